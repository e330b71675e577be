"""ClusterSettings: what Kafka takes while it runs, given to all brokers and never to their containers.

So a change of these settings restarts nothing. What takes a roll instead is decided in
:mod:`messaging.broker_settings`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from pulumi.dynamic import CheckResult, CreateResult, DiffResult, ReadResult, Resource, UpdateResult

from components.dynamic.broker_gate import changes
from components.dynamic.provider import EmptyProvider, Refusal, differs, inputs_only, tell, told_plainly
from messaging import broker_settings, cluster
from messaging.protocol import Address, NodeError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pulumi

APPLIED_SECONDS = 15.0
PAUSE_SECONDS = 0.1


class ClusterSettings(Resource, module="messaging", name="ClusterSettings"):
    """The settings of all brokers that change while they run."""

    def __init__(
        self,
        name: str,
        *,
        nodes: Sequence[Mapping[str, Any]],
        settings: Mapping[str, str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        """Declares them.

        Args:
            name: its logical name.
            nodes: ``id``, ``host`` and ``port`` of each broker.
            settings: Kafka's names and values.
            opts: with the gate of the whole cluster among ``depends_on``.
        """
        props = {"nodes": [dict(one) for one in nodes], "settings": dict(settings)}
        super().__init__(ClusterSettingsProvider(), name, props, opts)


class ClusterSettingsProvider(EmptyProvider):
    """Sets what is wanted and takes back what no longer is; what others set stays as it is."""

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Says what changes without a roll."""
        changed = changes(_olds.get("settings", {}), news["settings"])
        if _olds and changed:
            tell(f"dynamic: {', '.join(changed)} while the brokers run")
        return CheckResult(news, [])

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Other values; where the brokers are reached is no setting."""
        return DiffResult(changes=differs(_olds, _news, ignoring=("nodes",)))

    @told_plainly
    def create(self, props: dict[str, Any]) -> CreateResult:
        """Sets all of it."""
        _apply({}, props)
        return CreateResult("settings", inputs_only(props))

    @told_plainly
    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Sets what is other than before, and takes back what is no longer wanted."""
        _apply(_olds.get("settings", {}), _news)
        return UpdateResult(inputs_only(_news))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """What the brokers really have of it; as before if none answers."""
        found = dict(props)
        for node in props["nodes"]:
            try:
                live = cluster.configuration(
                    _address(node), cluster.BROKER, [cluster.WHOLE_CLUSTER], dynamic=True
                )[cluster.WHOLE_CLUSTER]
            except NodeError:
                continue
            found["settings"] = {name: live[name] for name in props["settings"] if name in live}
            break
        return ReadResult(id_, found)


def _address(node: Mapping[str, Any]) -> Address:
    # Numbers arrive as floats.
    return Address(host=str(node["host"]), port=int(node["port"]))


def _apply(olds: Mapping[str, str], props: Mapping[str, Any]) -> None:
    wanted: dict[str, str] = props["settings"]
    brokers = {int(node["id"]): _address(node) for node in props["nodes"]}
    if not wanted and not olds:
        return
    asked, values = _anyone(brokers, sorted(wanted))
    values = {name: value for name, value in values.items() if name in wanted}
    gone: dict[str, str | None] = {name: None for name in olds if name not in wanted}
    try:
        for round_ in _rounds(values, wanted):
            cluster.configure(asked, cluster.BROKER, {cluster.WHOLE_CLUSTER: dict(round_)})
            _wait_until_applied(brokers, round_)
        cluster.configure(asked, cluster.BROKER, {cluster.WHOLE_CLUSTER: gone})
    except NodeError as error:
        raise Refusal(f"the brokers' settings were not all changed: {error}") from None


def _anyone(brokers: Mapping[int, Address], names: list[str]) -> tuple[Address, dict[str, str]]:
    """A broker that answers, and what these settings are there."""
    reasons = []
    for broker, address in brokers.items():
        try:
            return address, cluster.configuration(address, cluster.BROKER, [str(broker)], keys=names)[
                str(broker)
            ]
        except NodeError as error:
            reasons.append(str(error))
    raise Refusal("no broker takes settings now: " + "; ".join(reasons))


def _rounds(current: Mapping[str, str], wanted: Mapping[str, str]) -> list[dict[str, str]]:
    """What to set, one after another: a pool of threads changes in several steps."""
    paths = {}
    for name, value in wanted.items():
        old = current.get(name, "")
        if old.isdecimal() and value.isdecimal():
            paths[name] = [str(step) for step in broker_settings.steps(name, int(old), int(value))]
        else:
            paths[name] = [value]
    longest = max((len(path) for path in paths.values()), default=0)
    return [
        {name: path[number] for name, path in paths.items() if number < len(path)}
        for number in range(longest)
    ]


def _wait_until_applied(brokers: Mapping[int, Address], values: Mapping[str, str]) -> None:
    """Until every broker that answers has the values: the next step is compared with them.

    Raises:
        Refusal: a broker did not take them.
    """
    deadline = time.monotonic() + APPLIED_SECONDS
    waiting = dict(brokers)
    while waiting:
        for broker, address in list(waiting.items()):
            try:
                live = cluster.configuration(address, cluster.BROKER, [str(broker)], keys=sorted(values))
            except NodeError:
                # It reads them when it starts.
                del waiting[broker]
                continue
            if all(live[str(broker)].get(name) == value for name, value in values.items()):
                del waiting[broker]
        if waiting and time.monotonic() > deadline:
            listed = ", ".join(str(broker) for broker in waiting)
            raise Refusal(f"the settings {', '.join(values)} did not reach the brokers {listed}")
        time.sleep(PAUSE_SECONDS if waiting else 0)
