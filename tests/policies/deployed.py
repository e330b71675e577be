"""A state as if a stack had been deployed: what a preview of it plans, with made-up ids.

Good enough to compare a change with, where there is no Docker engine; the end-to-end tests deploy for real.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.policies.conftest import Checkout

UNKNOWN_ID = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def deploy(checkout: Checkout) -> None:
    """Writes the state of the copy's stack as its present program wants it."""
    planned = checkout.pulumi("preview", "--json", PULUMI_OPTION_POLICY_PACK="")
    assert planned.returncode == 0, planned.stderr
    steps = json.loads(planned.stdout)["steps"]
    resources = [_known(step["newState"]) for step in steps if step["op"] == "create"]
    (stack, *others) = resources
    file = checkout.root / ".pulumi" / "stacks" / "messaging" / f"{checkout.stack}.json"
    document = json.loads(file.read_text())
    document["checkpoint"]["latest"]["resources"] = [stack, *_default_providers(others), *others]
    file.write_text(json.dumps(document))


def _known(state: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(state).replace(UNKNOWN_ID, str(uuid.uuid5(uuid.NAMESPACE_OID, "provider")))
    known: dict[str, Any] = json.loads(text)
    if known["custom"]:
        known["id"] = known.get("id") or known["urn"].rpartition("::")[2]
        known.setdefault("outputs", known.get("inputs", {}))
    return known


def _default_providers(resources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Providers that the engine made by itself, which no step tells of."""
    known = {resource["urn"] for resource in resources}
    references = {resource["provider"] for resource in resources if resource.get("provider")}
    made = []
    for reference in sorted(references):
        urn, _, identifier = reference.rpartition("::")
        if urn not in known:
            kind = urn.split("::")[2].rpartition("$")[2]
            made.append(
                {"urn": urn, "custom": True, "id": identifier, "type": kind, "inputs": {}, "outputs": {}}
            )
    return made
