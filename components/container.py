"""Turns a blueprint into a container, the same way for every role."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_docker as docker

from components.blueprint import ALWAYS
from messaging.naming import BUILT_FROM_LABEL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from components.blueprint import Blueprint
    from messaging.naming import Owner


def container(
    logical_name: str,
    blueprint: Blueprint,
    owner: Owner,
    *,
    parent: pulumi.Resource,
    depends_on: Sequence[pulumi.Resource],
) -> docker.Container:
    """The container of a blueprint.

    Nothing of it is another resource's output: an output in a property that forces a replacement would
    let one container's replacement take others down. Order comes from ``depends_on`` alone.
    """
    labels = owner.labels(blueprint.role) | {BUILT_FROM_LABEL: blueprint.fingerprint}
    volumes = []
    if blueprint.data_volume:
        volumes = [
            docker.ContainerVolumeArgs(
                volume_name=blueprint.data_volume, container_path=blueprint.data_folder
            )
        ]
    ulimits = []
    if blueprint.open_files:
        limit = blueprint.open_files
        ulimits = [docker.ContainerUlimitArgs(name="nofile", soft=limit, hard=limit)]
    health = blueprint.health
    return docker.Container(
        logical_name,
        name=blueprint.name,
        hostname=blueprint.name,
        image=blueprint.image,
        command=list(blueprint.command) or None,
        envs=[f"{name}={value}" for name, value in sorted(blueprint.environment.items())],
        labels=[docker.ContainerLabelArgs(**label) for label in label_list(labels)],
        networks_advanced=[docker.ContainerNetworksAdvancedArgs(name=blueprint.network)],
        ports=[
            docker.ContainerPortArgs(
                internal=port.inside, external=port.outside, ip=blueprint.bind_address, protocol="tcp"
            )
            for port in blueprint.ports
        ],
        volumes=volumes,
        healthcheck=docker.ContainerHealthcheckArgs(
            tests=list(health.test),
            interval=health.interval,
            timeout=health.timeout,
            start_period=health.start_period,
            retries=health.retries,
        ),
        cpus=processors(blueprint.cpus) if blueprint.cpus else None,
        memory=blueprint.memory_mib,
        # Without it Docker adds as much swap again, and reports it back as a difference for ever.
        memory_swap=blueprint.memory_mib,
        ulimits=ulimits,
        **ALWAYS,
        opts=pulumi.ResourceOptions(
            parent=parent,
            depends_on=depends_on,
            # The provider changes these in its state and leaves the running container as it was.
            replace_on_changes=["healthcheck", "init", "tmpfs"],
            delete_before_replace=True,
        ),
    )


def processors(number: int) -> str:
    """A number of processors, spelled as the official provider reads it back: ``2.0`` for 2, ``10.`` for 10.

    It compares spellings, and would replace the container at every run for another one.
    """
    return f"{number}." if "0" in str(number) else f"{number}.0"


def label_list(labels: Mapping[str, str]) -> list[dict[str, str]]:
    """Labels in the form that Docker's resources take them, sorted."""
    return [{"label": name, "value": value} for name, value in sorted(labels.items())]
