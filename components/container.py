"""Turns a blueprint into a container, the same way for every role.

What it is given is decided by :mod:`components.blueprint` alone: an argument that is added here is not in the
fingerprint, and no gate would see that it replaces the container.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_docker as docker

from components.blueprint import arguments

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    """The container of a blueprint. Order comes from ``depends_on`` alone."""
    return docker.Container(
        logical_name,
        **arguments(blueprint, owner),
        opts=pulumi.ResourceOptions(
            parent=parent,
            depends_on=depends_on,
            # The provider changes these in its state and leaves the running container as it was.
            replace_on_changes=["healthcheck", "init", "tmpfs"],
            delete_before_replace=True,
        ),
    )
