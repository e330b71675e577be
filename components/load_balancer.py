"""LoadBalancer: HAProxy before the brokers and the Schema Registries, with its configuration on a volume.

What the configuration says is decided by :mod:`components.haproxy_config`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
import pulumi_docker as docker

from components.blueprint import label_list
from components.container import container
from components.dynamic.haproxy import LoadBalancerConfig
from components.haproxy_config import FILE, STATISTICS_PORT, VERSION_PATH
from messaging.naming import DATA

if TYPE_CHECKING:
    from components.docker_host import DockerHost
    from components.platform import Balanced
    from messaging.naming import Owner


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadBalancerArgs:
    """One load balancer."""

    planned: Balanced
    """Its container, with a volume for the configuration, and what it is to do."""
    owner: Owner
    """The stack that its labels name."""
    host: DockerHost
    """Where it runs. It does not depend on the brokers: it waits for them by itself."""


class LoadBalancer(pulumi.ComponentResource):
    """A load balancer."""

    ready: LoadBalancerConfig
    """Whatever goes through the load balancer depends on it."""

    def __init__(self, name: str, args: LoadBalancerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("messaging:index:LoadBalancer", name, None, opts)
        blueprint, config = args.planned.blueprint, args.planned.config
        volume = docker.Volume(
            f"{name}-config-volume",
            name=blueprint.data_volume,
            labels=[docker.VolumeLabelArgs(**label) for label in label_list(args.owner.labels(DATA))],
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["labels"]),
        )
        made = container(
            f"{name}-container", blueprint, args.owner, parent=self, depends_on=[args.host.network, volume]
        )
        self.ready = LoadBalancerConfig(
            f"{name}-config",
            container=blueprint.name,
            container_id=made.id,
            docker_host=args.host.address,
            path=FILE,
            config=config.text,
            version=config.version,
            version_url=f"http://127.0.0.1:{STATISTICS_PORT}{VERSION_PATH}",
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({"containerName": blueprint.name})
