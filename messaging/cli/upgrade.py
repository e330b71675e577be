"""``messaging upgrade-metadata``: lets a cluster use what its new version of Kafka can do, for good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from messaging import cluster
from messaging.cli.projects import ProjectError
from messaging.cluster import METADATA_VERSION
from messaging.protocol import NodeError

if TYPE_CHECKING:
    from messaging.cli.clusters import KafkaNodes


def finish(nodes: KafkaNodes, *, dry_run: bool) -> dict[str, Any]:
    """Finalises the metadata version that every broker knows; what was and what is now, or would be.

    Raises:
        ProjectError: a broker does not answer, so nobody knows what it can do; or the controllers refuse.
    """
    known, silent = {}, []
    for name, address in nodes.addresses.items():
        try:
            known[name] = cluster.features(address)
        except NodeError as error:
            silent.append(f"{name}: {error}")
    if silent:
        raise ProjectError(
            "every broker must answer, so that nothing is agreed which one of them does not know. "
            + "; ".join(silent)
        )
    before = max(one.finalized[METADATA_VERSION] for one in known.values())
    after = min(one.supported[METADATA_VERSION] for one in known.values())
    if after > before:
        cluster.finalize(nodes.anyone(), METADATA_VERSION, after, dry_run=dry_run)
    return {"before": before, "after": max(before, after), "dryRun": dry_run}
