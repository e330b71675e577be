"""Quotas: how much a user, a client id or an address may ask of the brokers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from engine.providers import schema
from engine.providers.base import ProviderError, Unfinished
from engine.providers.check import Failure
from engine.providers.diff import Change, diff
from engine.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.providers.base import Call
    from engine.providers.kafka.cluster import Cluster
    from engine.values import Values

_POLL_SECONDS = 0.05
_RATES = ("consumer_byte_rate", "controller_mutation_rate", "producer_byte_rate", "request_percentage")
_KEYS = {"user": _RATES, "client-id": _RATES, "ip": ("connection_creation_rate",)}


class Quota:
    """The resource ``kafka:index/quota:Quota``."""

    def __init__(self, cluster: Cluster) -> None:
        self.type = schema.load("kafka").resources["kafka:index/quota:Quota"]
        self._cluster = cluster

    def check(self, olds: Values, news: Values) -> list[Failure]:  # noqa: ARG002 - judged alone
        """Find keys that Kafka does not know, and limits that are no numbers."""
        config = news.get("config")
        if config is UNKNOWN or news["entityType"] is UNKNOWN:
            return []
        keys = _KEYS[news["entityType"]]
        if not config:
            reason = f"a quota of a {news['entityType']} needs at least one of {', '.join(keys)}"
            return [Failure("config", reason)]
        failures = [
            Failure(f"config.{key}", f"'{key}' is no quota of a {news['entityType']}: use {', '.join(keys)}")
            for key in config
            if key not in keys
        ]
        failures += [
            Failure(f"config.{key}", f"'{key}' must be a positive number, as text, not '{value}'")
            for key, value in config.items()
            if value is not UNKNOWN and not _is_limit(value)
        ]
        return failures

    def diff(self, olds: Values, news: Values, ignored: Sequence[str]) -> list[Change]:
        """Compare; 1000000 and 1e6 are the same limit."""
        old, new = olds.get("config") or {}, news.get("config")
        if isinstance(new, dict):
            same = {
                key: old[key]
                for key, value in new.items()
                if key in old and _number(old[key]) == _number(value)
            }
            news = news | {"config": new | same}
        return diff(self.type.properties, olds, news, ignored)

    def create(self, inputs: Values, call: Call) -> tuple[str, Values]:
        """Set the limits, and wait until the broker that answers shows them."""
        identifier = f"{inputs.get('entityName', '')}|{inputs['entityType']}"
        limits = {key: float(value) for key, value in inputs["config"].items()}
        self._cluster.quotas.alter(inputs["entityType"], inputs.get("entityName", ""), limits)
        try:
            shown = call.until(
                lambda: limits.items() <= self._limits(inputs).items(),
                seconds=call.seconds or self._cluster.timeout,
                every=_POLL_SECONDS,
            )
        except ProviderError as error:
            raise Unfinished(str(error), identifier, dict(inputs)) from None
        if not shown:
            message = f"the quota {identifier} is not shown by {self._cluster.servers}: see the brokers' logs"
            raise Unfinished(message, identifier, dict(inputs))
        return identifier, dict(inputs)

    def known_by(self, identifier: str) -> Values:
        """Return the entity."""
        name, _, kind = identifier.rpartition("|")
        if kind not in _KEYS:
            raise ProviderError(f"{identifier!r} is no id of a quota: it is made of name | {'/'.join(_KEYS)}")
        return {"entityType": kind} | ({"entityName": name} if name else {})

    def read(self, identifier: str, known: Values) -> Values | None:  # noqa: ARG002 - see `base.Resource`
        """Look up the limits that this quota sets; those that others set are none of its business."""
        limits = self._limits(known)
        wanted = known.get("config", limits)
        config = {
            key: value if _number(value) == limits[key] else _text(limits[key])
            for key, value in wanted.items()
            if key in limits
        }
        return {**known, "config": config} if config else None

    def left(self, inputs: Values, call: Call) -> str:  # noqa: ARG002 - what is granted twice is granted once
        """Return its id: whether or not it is there, the creation would have made it so."""
        return f"{inputs.get('entityName', '')}|{inputs['entityType']}"

    def update(self, identifier: str, olds: Values, news: Values, call: Call) -> Values:  # noqa: ARG002
        """Set again what an earlier run left unfinished: every real change takes a new quota."""
        return self.create(news, call)[1]

    def delete(self, identifier: str, outputs: Values, call: Call) -> None:
        """Lift the limits that this quota sets, and wait until the broker that answers shows none of them."""
        lifted = dict.fromkeys(outputs.get("config") or {})
        self._cluster.quotas.alter(outputs["entityType"], outputs.get("entityName", ""), lifted)
        call.until_gone(
            lambda: not lifted.keys() & self._limits(outputs).keys(),
            seconds=call.seconds or self._cluster.timeout,
            every=_POLL_SECONDS,
            otherwise=f"the quota {identifier} is still there: see the brokers' logs",
        )

    def _limits(self, quota: Values) -> dict[str, float]:
        return self._cluster.quotas.describe(quota["entityType"], quota.get("entityName", ""))


def _text(limit: float) -> str:
    return str(int(limit)) if limit.is_integer() else str(limit)


def _number(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        return math.nan


def _is_limit(value: object) -> bool:
    number = _number(value)
    return math.isfinite(number) and number > 0
