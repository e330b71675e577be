"""The last gate: everything that needs a running cluster waits for this resource.

It waits when it is made and whenever a broker's container is another than before: until the cluster is
complete, then until it serves its partitions. One that stays without a leader fails the run; one below its
minimum is waited for and then only named, because an update must be able to end a repair. What is lost is
named at once.

A gate that failed is not in the state, or is there with its old inputs, so the next run begins with it again.
What to do about a partition is left to people.
"""

from __future__ import annotations

import itertools
import math
import time
from typing import TYPE_CHECKING, Any

from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, DiffResult, Resource, UpdateResult

from components.dynamic.broker_guard import held_by, refusal
from components.dynamic.provider import EmptyProvider, Refusal, differs, inputs_only, tell, told_plainly
from messaging import cluster, quorum
from messaging.protocol import Address, NodeError
from messaging.readiness import Lack, View, missing, unserved

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pulumi

TIMES_IN_A_ROW = 3
"""A cluster that is still forming may look complete for a moment; a single node knows."""
PAUSE_SECONDS = 0.3
ANSWER_SECONDS = 3.0
FIRST_WORD_SECONDS = 5.0
"""A cluster that comes up as fast as usual is not worth a line."""
NEXT_WORD_SECONDS = 5.0
LASTING_SECONDS = 10.0
"""Only what has been missing for so long fails a run: not an answer that did not come, nor an election."""


class ClusterReady(Resource, module="messaging", name="ClusterReady"):
    """Stands for a complete cluster: a leader, voters caught up, brokers let in, partitions served."""

    def __init__(
        self,
        name: str,
        *,
        cluster_id: str,
        nodes: Sequence[Mapping[str, Any]],
        voters: Sequence[int],
        containers: Sequence[pulumi.Input[str]],
        timeout_seconds: int,
        opts: pulumi.ResourceOptions,
    ) -> None:
        """Declares the gate.

        Args:
            name: its logical name.
            cluster_id: Kafka's, so that no other cluster's answer is taken for this one's.
            nodes: ``id``, ``name``, ``host`` and ``port`` of each broker, as reached from where Pulumi runs.
            voters: the ids of all members of the quorum.
            containers: the ids of the nodes' containers; a new one makes the gate wait again.
            timeout_seconds: how long the cluster may take.
            opts: with the containers among ``depends_on``.
        """
        props = {
            "clusterId": cluster_id,
            "nodes": [dict(node) for node in nodes],
            "voters": list(voters),
            "containers": list(containers),
            "timeoutSeconds": timeout_seconds,
        }
        super().__init__(ClusterReadyProvider(), name, props, opts)


class ClusterReadyProvider(EmptyProvider):
    """Waits on create and update; there is nothing to read or delete."""

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Refuses, in previews already, that a broker goes which still holds replicas."""
        wanted = {int(node["id"]) for node in news["nodes"]}
        gone = {int(node["id"]): str(node["name"]) for node in _olds.get("nodes", ())}
        gone = {broker: name for broker, name in gone.items() if broker not in wanted}
        held = (held_by(set(gone), _olds) if gone else None) or {}
        refusals = [refusal(gone[broker], names) for broker, names in sorted(held.items()) if names]
        return CheckResult(news, [CheckFailure("nodes", reason) for reason in refusals])

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Another node or container makes it wait again; another timeout alone does not."""
        return DiffResult(changes=differs(_olds, _news, ignoring=("timeoutSeconds",)))

    @told_plainly
    def create(self, props: dict[str, Any]) -> CreateResult:
        """Waits until the cluster is complete."""
        _wait(props)
        return CreateResult("-".join(str(node["name"]) for node in props["nodes"]), inputs_only(props))

    @told_plainly
    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Waits until the cluster is complete again."""
        _wait(_news)
        return UpdateResult(inputs_only(_news))


def _wait(props: Mapping[str, Any]) -> None:
    nodes = props["nodes"]
    # Numbers arrive as floats.
    ids = [int(node["id"]) for node in nodes]
    addresses = {str(node["name"]): Address(host=str(node["host"]), port=int(node["port"])) for node in nodes}
    voters = [int(voter) for voter in props["voters"]]
    live = LiveCluster(addresses, str(props["clusterId"]))

    def ask() -> Lack:
        reasons = missing(live.look(), brokers=ids, voters=voters)
        return Lack(needed=tuple(reasons)) if reasons else live.served(ids)

    wait_until_complete(
        ask,
        [str(node["name"]) for node in nodes],
        timeout=float(props["timeoutSeconds"]),
    )


def wait_until_complete(
    ask: Callable[[], Lack],
    containers: Sequence[str],
    *,
    timeout: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Asks until nothing has been lacking several times in a row, and says meanwhile what is.

    Args:
        ask: what is lacking now.
        containers: the nodes' containers, whose logs explain a cluster that never gets ready.
        timeout: seconds.
        clock: the time in seconds.
        sleep: how to pause.

    Raises:
        Refusal: something that is needed was missing at the end, and not only for a moment.
    """
    began = clock()
    next_word = FIRST_WORD_SECONDS
    complete = 0
    needed = TIMES_IN_A_ROW if len(containers) > 1 else 1
    since: float | None = -math.inf
    while True:
        lack = ask()
        reasons = [*lack.needed, *lack.hoped]
        complete = 0 if reasons else complete + 1
        waited = clock() - began
        if not lack.needed:
            since = None
        elif since is None:
            since = waited
        end = (
            timeout
            if since is None
            else min(max(timeout, since + LASTING_SECONDS), timeout + LASTING_SECONDS)
        )
        if lack.needed and waited > end:
            raise Refusal(_refusal(lack.needed, containers, timeout))
        if complete >= needed or (reasons and not lack.needed and waited > timeout):
            for left in (*lack.hoped, *lack.lost):
                tell(f"warning: the Kafka cluster is ready, but for {left}. `messaging health` shows them")
            return
        if reasons and waited >= next_word:
            tell(f"waiting for the Kafka cluster ({waited:.0f} s): {'; '.join(reasons)}")
            next_word = waited + NEXT_WORD_SECONDS
        sleep(PAUSE_SECONDS)


class LiveCluster:
    """The nodes of a cluster, asked at the addresses that clients use."""

    def __init__(self, addresses: Mapping[str, Address], cluster_id: str) -> None:
        """Connects to nothing yet.

        Args:
            addresses: by the node's name.
            cluster_id: what a node must belong to.
        """
        self._addresses = addresses
        self._cluster_id = cluster_id
        self._admin: Any = None
        # Another one each time: a node that has just come back may know less than the others.
        self._turns = itertools.cycle(addresses)

    def served(self, brokers: Sequence[int]) -> Lack:
        """What of its partitions the cluster does not serve now, says the next node that answers."""
        silent = []
        for _ in self._addresses:
            address = self._addresses[next(self._turns)]
            try:
                view = cluster.look(address, cluster_id=self._cluster_id)
            except NodeError as error:
                silent.append(str(error))
            else:
                return unserved(view.partitions, brokers=brokers)
        return Lack(needed=(f"no node says how the partitions are: {'; '.join(silent)}",))

    def look(self) -> View:
        """What the nodes say now."""
        quorums: dict[str, quorum.Quorum | str] = {}
        for name, address in self._addresses.items():
            try:
                cluster.confirm(address, self._cluster_id)
                quorums[name] = quorum.describe(address, timeout=ANSWER_SECONDS)
            except NodeError as error:
                quorums[name] = str(error)
        if all(isinstance(answer, str) for answer in quorums.values()):
            return View(quorums=quorums, brokers="no broker answers")
        return View(quorums=quorums, brokers=self._brokers())

    def _brokers(self) -> set[int] | str:
        # Imported here: only a gate that really waits pays for loading the client.
        from confluent_kafka import KafkaException
        from confluent_kafka.admin import AdminClient

        if self._admin is None:
            servers = ",".join(str(address) for address in self._addresses.values())
            quiet = {"log_level": 0, "error_cb": lambda _: None}
            self._admin = AdminClient({"bootstrap.servers": servers} | quiet)
        try:
            return set(self._admin.list_topics(timeout=ANSWER_SECONDS).brokers)
        except KafkaException as error:
            return f"no broker lists the others: {error.args[0].str()}"


def _refusal(reasons: Sequence[str], containers: Sequence[str], timeout: float) -> str:
    missing_lines = "".join(f"\n  - {reason}" for reason in reasons)
    logs = "".join(f"\n  docker logs {name} --tail 50" for name in containers)
    return (
        f"the Kafka cluster was not ready within {timeout:.0f} s. Missing:{missing_lines}\n"
        f"The brokers' logs say why:{logs}\n"
        "Correct it and run `pulumi up` again: it goes on from here. A host that is only slow needs a longer "
        "messaging:cluster.readyTimeout. Where data is lost for good, `messaging repair` says what, and with "
        '--accept-loss goes on without it: docs/runbooks.md, "A partition has no leader".'
    )
