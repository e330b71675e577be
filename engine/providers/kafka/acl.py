"""Access rules: granted, looked up and withdrawn one by one. A rule has no parts that could change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
_ID = (
    "aclPrincipal",
    "aclHost",
    "aclOperation",
    "aclPermissionType",
    "aclResourceType",
    "aclResourceName",
    "resourcePatternTypeFilter",
)
"""The parts of an id, in the official provider's order."""
_CLUSTER_NAME = "kafka-cluster"
# What the client library calls otherwise than people do.
_TYPES = {"Topic": "TOPIC", "Group": "GROUP", "Cluster": "BROKER", "TransactionalID": "TRANSACTIONAL_ID"}
_OPERATIONS = {
    "ClusterAction": "CLUSTER_ACTION",
    "DescribeConfigs": "DESCRIBE_CONFIGS",
    "AlterConfigs": "ALTER_CONFIGS",
    "IdempotentWrite": "IDEMPOTENT_WRITE",
}


class Acl:
    """The resource ``kafka:index/acl:Acl``."""

    def __init__(self, cluster: Cluster) -> None:
        self.type = schema.load("kafka").resources["kafka:index/acl:Acl"]
        self._cluster = cluster

    def check(self, olds: Values, news: Values) -> list[Failure]:  # noqa: ARG002 - judged alone
        """Find principals and names that Kafka would take and never match."""
        failures = []
        principal, name = news["aclPrincipal"], news["aclResourceName"]
        if principal is not UNKNOWN and ":" not in principal:
            reason = (
                f"'{principal}' is no principal: write its type too, such as User:{principal or 'orders'}"
            )
            failures.append(Failure("aclPrincipal", reason))
        if news["aclResourceType"] == "Cluster" and name not in (UNKNOWN, _CLUSTER_NAME):
            reason = f"the cluster's name in rules is always {_CLUSTER_NAME}, not '{name}'"
            failures.append(Failure("aclResourceName", reason))
        return failures

    def diff(self, olds: Values, news: Values, ignored: Sequence[str]) -> list[Change]:
        """Compare."""
        return diff(self.type.properties, olds, news, ignored)

    def create(self, inputs: Values, call: Call) -> tuple[str, Values]:
        """Grant, and wait until the broker that answers shows it. One that is there already is the same."""
        identifier = _identifier(inputs)
        with self._saying(f"cannot create the rule {identifier}"):
            requests = self._cluster.admin.create_acls(
                [_binding(inputs)], request_timeout=self._cluster.timeout
            )
            for request in requests.values():
                request.result()
        try:
            shown = call.until(lambda: self._exists(inputs), seconds=self._seconds(call), every=_POLL_SECONDS)
        except ProviderError as error:
            raise Unfinished(str(error), identifier, dict(inputs)) from None
        if not shown:
            message = f"the rule {identifier} is not shown by {self._cluster.servers}: see the brokers' logs"
            raise Unfinished(message, identifier, dict(inputs))
        return identifier, dict(inputs)

    def known_by(self, identifier: str) -> Values:
        """Return the rule, which is its own id."""
        parts = identifier.split("|")
        if len(parts) != len(_ID):
            raise ProviderError(f"{identifier!r} is no id of a rule: it is made of {' | '.join(_ID)}")
        return dict(zip(_ID, parts, strict=True))

    def read(self, identifier: str, known: Values) -> Values | None:  # noqa: ARG002 - see `base.Resource`
        """Look for exactly this rule."""
        return dict(known) if self._exists(known) else None

    def left(self, inputs: Values, call: Call) -> str:  # noqa: ARG002 - what is granted twice is granted once
        """Return its id: whether or not it is there, the creation would have made it so."""
        return _identifier(inputs)

    def update(self, identifier: str, olds: Values, news: Values, call: Call) -> Values:  # noqa: ARG002
        """Grant again what an earlier run left unfinished: every real change takes a new rule."""
        return self.create(news, call)[1]

    def delete(self, identifier: str, outputs: Values, call: Call) -> None:
        """Withdraw, and wait until the broker that answers shows it no more."""
        with self._saying(f"cannot remove the rule {identifier}"):
            requests = self._cluster.admin.delete_acls(
                [_filter(outputs)], request_timeout=self._cluster.timeout
            )
            for request in requests.values():
                request.result()
        call.until_gone(
            lambda: not self._exists(outputs),
            seconds=self._seconds(call),
            every=_POLL_SECONDS,
            otherwise=f"the rule {identifier} is still there: see the brokers' logs",
        )

    def _exists(self, rule: Values) -> bool:
        with self._saying(f"cannot look for the rule {_identifier(rule)}"):
            found = self._cluster.admin.describe_acls(_filter(rule), request_timeout=self._cluster.timeout)
            return bool(found.result())

    def _seconds(self, call: Call) -> float:
        return call.seconds or self._cluster.timeout

    def _saying(self, what: str) -> Any:
        return self._cluster.saying(
            what,
            {"SECURITY_DISABLED": "the brokers have no authorizer; set their authorizer.class.name first"},
        )


def _identifier(rule: Values) -> str:
    return "|".join(str(rule[part]) for part in _ID)


def _binding(rule: Values) -> Any:
    from confluent_kafka.admin import AclBinding  # loaded by the connection

    return AclBinding(*_arguments(rule))


def _filter(rule: Values) -> Any:
    from confluent_kafka.admin import AclBindingFilter

    return AclBindingFilter(*_arguments(rule))


def _arguments(rule: Values) -> tuple[Any, ...]:
    from confluent_kafka.admin import AclOperation, AclPermissionType, ResourcePatternType, ResourceType

    operation = rule["aclOperation"]
    return (
        ResourceType[_TYPES[rule["aclResourceType"]]],
        rule["aclResourceName"],
        ResourcePatternType[rule["resourcePatternTypeFilter"].upper()],
        rule["aclPrincipal"],
        rule["aclHost"],
        AclOperation[_OPERATIONS.get(operation, operation.upper())],
        AclPermissionType[rule["aclPermissionType"].upper()],
    )
