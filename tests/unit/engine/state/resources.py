"""Resources of a state that is only made up, by their names alone."""

from __future__ import annotations

from typing import Any

from engine.resource import Resource

TYPE = "docker:index/container:Container"


def urn(name: str) -> str:
    return f"urn:pulumi:dev::shop::{TYPE}::{name}"


def resource(name: str, *needs: str, **fields: Any) -> Resource:
    fields.setdefault("id", f"{name}-id")
    return Resource(urn(name), TYPE, dependencies=[urn(one) for one in needs], **fields)
