"""Whatever replaces brokers stands behind its gates: previews of a deployed production stack."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.policies.deployed import deploy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.policies.conftest import Checkout, Preview

NO_PACK = {"PULUMI_OPTION_POLICY_PACK": ""}
GATED = [f"kafka-{number}-{what}" for number in (1, 2, 3) for what in ("gate", "container")]


@pytest.fixture(scope="module")
def deployed(pristine: Callable[[str], Checkout], tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """The committed production stack with a state."""
    made = pristine("prod").copy(tmp_path_factory.mktemp("gated"))
    deploy(made)
    return made


def changed(preview: Preview) -> dict[str, str]:
    """What happens to nodes and gates, by name, in order."""
    assert preview.code == 0, preview.text
    steps = [event["resourcePreEvent"]["metadata"] for event in preview.events if "resourcePreEvent" in event]
    found = {step["urn"].rpartition("::")[2]: step["op"] for step in steps if step["op"] != "same"}
    return {name: op for name, op in found.items() if re.fullmatch(r"kafka-\d-(gate|container)", name)}


@pytest.mark.parametrize(
    ("anchor", "becomes"),
    [
        ("        **ALWAYS,\n", '        **ALWAYS,\n        "working_dir": "/",\n'),
        ("labels = owner.labels(blueprint.role)", 'labels = owner.labels(blueprint.role) | {"team": "data"}'),
        ('"start_period": health.start_period,', '"start_period": "2m0s",'),
    ],
    ids=["an argument more", "a label more", "another health check"],
)
def test_no_change_of_what_containers_are_given_passes_a_gate_by(
    deployed: Checkout, tmp_path: Path, anchor: str, becomes: str
) -> None:
    checkout = deployed.copy(tmp_path)
    checkout.edit(anchor, becomes)

    found = changed(checkout.preview(**NO_PACK))

    assert sorted(found) == sorted(GATED)
    assert {op for name, op in found.items() if name.endswith("gate")} == {"update"}
    assert "replace" in " ".join(op for name, op in found.items() if name.endswith("container"))


def test_containers_of_a_version_that_counted_less_are_replaced_behind_gates(
    deployed: Checkout, tmp_path: Path
) -> None:
    checkout = deployed.copy(tmp_path)
    state = checkout.root / ".pulumi" / "stacks" / "messaging" / "prod.json"
    text = state.read_text()
    for fingerprint in set(re.findall(r'"wanted": "([0-9a-f]{16})"', text)):
        text = text.replace(fingerprint, "0123456789abcdef")
    state.write_text(text)

    assert sorted(changed(checkout.preview(**NO_PACK))) == sorted(GATED)


def test_what_docker_changes_in_place_takes_no_roll(deployed: Checkout, tmp_path: Path) -> None:
    checkout = deployed.copy(tmp_path)
    checkout.edit('"restart": "unless-stopped",', '"restart": "always",')

    found = changed(checkout.preview(**NO_PACK))

    assert found == {f"kafka-{number}-container": "update" for number in (1, 2, 3)}
