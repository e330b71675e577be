"""Records of real runs: a state that an engine left, and what both engines then planned from it.

A record is a file under `golden/`, written when `PARITY_RECORD` is set while the scenarios run beside a CLI.
It carries no path of the machine; its secrets are made up, and its passphrase is the suite's.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tests.e2e import harness
from tests.parity.engines import STACK, Plan

if TYPE_CHECKING:
    from tests.parity.engines import Engine, Place
    from tests.parity.scenarios import Bundle

FOLDER = Path(__file__).parent / "golden"
RECORDED = ("containers", "notes")
"""The bundles that are planned again without a CLI."""
RECORD = "PARITY_RECORD"
"""Environment variable: set it to write the records anew."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """One state and the plan from it.

    Attributes:
        bundle: whose program it was.
        engine: who had written the state.
        stage: at which the program is planned.
        stack_file: the stack's configuration with its salt.
        state: the deployment before.
        plan: what both engines would do.
    """

    bundle: str
    engine: str
    stage: int
    stack_file: dict[str, Any]
    state: dict[str, Any]
    plan: Plan

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return f"{self.bundle}.{self.stage}.{self.engine}"

    def write(self) -> None:
        """Writes the record."""
        document = {
            "stackFile": self.stack_file,
            "plan": self.plan.document(),
            "state": self.state,
        }
        FOLDER.mkdir(exist_ok=True)
        (FOLDER / f"{self.name}.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")

    @classmethod
    def read(cls, file: Path) -> Record:
        """Reads a record."""
        bundle, stage, engine = file.stem.split(".")
        document = json.loads(file.read_text())
        plan = document["plan"]
        return cls(
            bundle=bundle,
            engine=engine,
            stage=int(stage),
            stack_file=document["stackFile"],
            state=document["state"],
            plan=Plan(
                code=plan["code"], steps=[(op, urn, tuple(reasons)) for op, urn, reasons in plan["steps"]]
            ),
        )

    def lay(self, place: Place) -> None:
        """Puts the record's state and configuration into a project."""
        (place.root / f"Pulumi.{STACK}.yaml").write_text(yaml.safe_dump(self.stack_file))
        file = place.checkpoint()
        file.parent.mkdir(parents=True)
        (file.parents[2] / "meta.yaml").write_text("version: 1\n")
        checkpoint = {"stack": f"organization/parity/{STACK}", "latest": self.state}
        file.write_text(json.dumps({"version": 3, "checkpoint": checkpoint}))


def record(place: Place, bundle: Bundle, engine: Engine, stage: int, plan: Plan) -> None:
    """Writes a record of what an engine left before this stage, if records are wanted."""
    if not os.environ.get(RECORD) or stage == 1 or bundle.name not in RECORDED:
        return
    latest = json.loads(place.checkpoint().read_text())["checkpoint"]["latest"]
    root = str(harness.client().info()["DockerRootDir"])
    state = json.loads(json.dumps(latest).replace(root, "/var/lib/docker"))
    for resource in state["resources"]:
        for place_in_code in ("sourcePosition", "stackTrace"):
            resource.pop(place_in_code, None)
    Record(
        bundle=bundle.name,
        engine=engine,
        stage=stage,
        stack_file=yaml.safe_load((place.root / f"Pulumi.{STACK}.yaml").read_text()),
        state=state,
        plan=plan,
    ).write()


def records() -> list[Record]:
    """All records, in the order of their names."""
    return [Record.read(file) for file in sorted(FOLDER.glob("*.json"))]
