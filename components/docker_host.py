"""DockerHost: one Docker engine with this stack's claim on it, its provider and its network.

What runs there is left to the components that are given the host's provider.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
import pulumi_docker as docker

from components import claims
from components.blueprint import label_list
from components.dynamic.preflight import Preflight
from messaging.naming import NETWORK

if TYPE_CHECKING:
    from components.claims import Claim
    from components.platform import Platform
    from settings import Settings


@dataclass(frozen=True, kw_only=True, slots=True)
class DockerHostArgs:
    """What a Docker host is asked for."""

    claim: Claim
    """Everything that the stack wants there, checked before anything is made."""
    network: str
    """The network's name in Docker."""
    protect_network: bool
    """Whether the network refuses to be deleted: every container would lose its peers with it."""

    @staticmethod
    def of(planned: Platform, settings: Settings) -> DockerHostArgs:
        """What a platform asks of its host."""
        return DockerHostArgs(
            claim=claims.claim(planned, settings),
            network=planned.network,
            protect_network=settings.level.protect_data,
        )


class DockerHost(pulumi.ComponentResource):
    """A Docker engine that is ready to run this stack's containers."""

    provider: docker.Provider
    """For everything on this host. It waits for the preflight check, and so does everything that uses it."""
    address: str
    """The engine's address; empty for what the environment says."""
    network: docker.Network
    """To be named in ``depends_on``; its name is a plain string in every blueprint."""

    def __init__(self, name: str, args: DockerHostArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("messaging:index:DockerHost", name, None, opts)
        claim = args.claim
        preflight = Preflight(f"{name}-preflight", claim, pulumi.ResourceOptions(parent=self))
        self.address = claim.docker_host
        self.provider = docker.Provider(
            f"{name}-provider",
            host=claim.docker_host or None,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[preflight]),
        )
        self.network = docker.Network(
            f"{name}-network",
            name=args.network,
            driver="bridge",
            labels=[docker.NetworkLabelArgs(**label) for label in label_list(claim.owner.labels(NETWORK))],
            opts=pulumi.ResourceOptions(parent=self, provider=self.provider, protect=args.protect_network),
        )
        self.register_outputs({"networkName": args.network})
