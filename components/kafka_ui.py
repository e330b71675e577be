"""KafkaUI: the web page that shows the cluster, its topics, messages, groups and schemas.

Kafka UI or the project's own console: the two take the same environment, and the settings say which it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from components.container import container

if TYPE_CHECKING:
    from components.service import ServiceArgs


class KafkaUI(pulumi.ComponentResource):
    """A web page for people. It keeps nothing and may be replaced at any time."""

    def __init__(self, name: str, args: ServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("messaging:index:KafkaUI", name, None, opts)
        container(f"{name}-container", args.blueprint, args.owner, parent=self, depends_on=args.depends_on)
        self.register_outputs({"url": args.url})
