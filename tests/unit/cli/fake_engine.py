"""A Docker engine with containers of two stacks, whose starts, stops and removals are noted."""

from __future__ import annotations

from typing import Any

from messaging.naming import Owner

OWNER = Owner(project="messaging", stack="dev", instance="")
NEIGHBOUR = Owner(project="messaging", stack="dev", instance="other")
STOPPED, PAUSED = "exited", "paused"


class Engine:
    """What a client of it is asked here; a stack of three services, and a neighbour's broker."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, ...]] = []
        self.roles: dict[str, dict[str, str]] = {}
        self.states: dict[str, str] = {}
        self.have("kafka-dev", "broker")
        self.have("schema-registry-dev", "schema-registry")
        self.have("kafka-ui-dev", "ui")
        self.have("other-kafka", "broker", owner=NEIGHBOUR)
        self.plain_brokers: set[str] = set()
        """Brokers that are no controllers."""
        self.quorum: set[str] = set()
        """Nodes that are healthy only together."""
        self.volume_names = ["kafka-dev-data"]
        self.network_names = ["iot-platform-dev"]

    def info(self) -> dict[str, Any]:
        return {"ID": "here"}

    def have(self, name: str, role: str, state: str = "running", owner: Owner = OWNER) -> None:
        """Has one more container."""
        self.roles[name] = owner.labels(role)
        self.states[name] = state

    def lose(self, name: str) -> None:
        """Has it no longer."""
        del self.roles[name], self.states[name]

    def containers(self, **_: Any) -> list[dict[str, Any]]:
        return [{"Names": [f"/{name}"], "Labels": labels} for name, labels in self.roles.items()]

    def networks(self, **_: Any) -> list[dict[str, Any]]:
        return [{"Name": name, "Labels": OWNER.labels("network")} for name in self.network_names]

    def volumes(self, _: Any) -> dict[str, Any]:
        return {"Volumes": [{"Name": name, "Labels": OWNER.labels("data")} for name in self.volume_names]}

    def inspect_container(self, name: str) -> dict[str, Any]:
        status = self.states[name]
        formed = name not in self.quorum or all(self.states.get(one) == "running" for one in self.quorum)
        state = {
            "Status": status,
            "Running": status in {"running", PAUSED},
            "Paused": status == PAUSED,
            "ExitCode": 0,
            "Health": {"Status": "healthy" if formed else "unhealthy"},
        }
        roles = "broker" if name in self.plain_brokers else "broker,controller"
        return {"State": state, "Config": {"StopTimeout": 45, "Env": [f"KAFKA_PROCESS_ROLES={roles}"]}}

    def stop(self, name: str, timeout: int) -> None:
        self.calls.append(("stop", name, str(timeout)))
        self.states[name] = STOPPED

    def start(self, name: str) -> None:
        assert self.states[name] != PAUSED, "an engine refuses that"
        self.calls.append(("start", name))
        self.states[name] = "running"

    def unpause(self, name: str) -> None:
        self.calls.append(("unpause", name))
        self.states[name] = "running"

    def remove_container(self, name: str, *, v: bool) -> None:
        self.calls.append(("remove", name, f"anonymous volumes {v}"))

    def remove_network(self, name: str) -> None:
        self.calls.append(("remove network", name))

    def remove_volume(self, name: str) -> None:
        self.calls.append(("remove volume", name))
