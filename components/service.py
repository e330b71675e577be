"""What SchemaRegistry and KafkaUI have in common: each is one container with an address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi

    from components.blueprint import Blueprint
    from messaging.naming import Owner


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceArgs:
    """One container with an address."""

    blueprint: Blueprint
    """Its container."""
    owner: Owner
    """The stack that its labels name."""
    url: str
    """Where clients outside the Docker network find it."""
    depends_on: Sequence[pulumi.Resource]
    """What must be there before the container."""
