"""SCRAM credentials: what a user's password is checked against. Kafka shows all of one but the password."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.providers import schema
from engine.providers.base import ProviderError, Unfinished
from engine.providers.check import Failure
from engine.providers.diff import Change, diff
from engine.providers.kafka.cluster import Refused
from engine.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.providers.base import Call
    from engine.providers.kafka.cluster import Cluster
    from engine.values import Values

_POLL_SECONDS = 0.05
_WRITE_ONLY = "passwordWo"
"""Never kept in what the state says of the credential; ``passwordWoVersion`` says when it has changed."""


class UserScramCredential:
    """The resource ``kafka:index/userScramCredential:UserScramCredential``."""

    def __init__(self, cluster: Cluster) -> None:
        token = "kafka:index/userScramCredential:UserScramCredential"  # noqa: S105 - a type, no password
        self.type = schema.load("kafka").resources[token]
        self._cluster = cluster

    def check(self, olds: Values, news: Values) -> list[Failure]:  # noqa: ARG002 - judged alone
        """Find missing and double passwords; messages show none."""
        given = [name for name in ("password", _WRITE_ONLY) if news.get(name) not in (None, "")]
        if len(given) != 1:
            which = "both were given" if given else "neither was given"
            reason = f"kafka UserScramCredential needs either 'password' or 'passwordWo': {which}"
            return [Failure("password", reason)]
        password = news[given[0]]
        if password is not UNKNOWN and not password.strip():
            return [
                Failure(given[0], f"'{given[0]}' of kafka UserScramCredential is nothing but white space")
            ]
        return []

    def diff(self, olds: Values, news: Values, ignored: Sequence[str]) -> list[Change]:
        """Compare all but the write-only password."""
        return diff(self.type.properties, olds, news, [*ignored, _WRITE_ONLY])

    def create(self, inputs: Values, call: Call) -> tuple[str, Values]:
        """Set the password, whether or not the user had one, and wait until the cluster shows it."""
        identifier = f"{inputs['username']}|{inputs['scramMechanism']}"
        self._alter(_upsertion(inputs), inputs, "set")
        self._await(identifier, inputs, call)
        return identifier, _kept(inputs)

    def known_by(self, identifier: str) -> Values:
        """Return user and mechanism."""
        user, _, mechanism = identifier.rpartition("|")
        if mechanism not in ("SCRAM-SHA-256", "SCRAM-SHA-512"):
            raise ProviderError(f"{identifier!r} is no id of a credential: it is made of user | mechanism")
        return {"username": user, "scramMechanism": mechanism}

    def read(self, identifier: str, known: Values) -> Values | None:  # noqa: ARG002 - see `base.Resource`
        """Look up the iterations. The password cannot be read: the last one known is taken to hold."""
        iterations = self._iterations(known)
        return None if iterations is None else _kept(known) | {"scramIterations": iterations}

    def left(self, inputs: Values, call: Call) -> str:  # noqa: ARG002 - what is granted twice is granted once
        """Return its id: whether or not it is there, the creation would have made it so."""
        return f"{inputs['username']}|{inputs['scramMechanism']}"

    def update(self, identifier: str, olds: Values, news: Values, call: Call) -> Values:  # noqa: ARG002
        """Set the password and the iterations anew."""
        return self.create(news, call)[1]

    def delete(self, identifier: str, outputs: Values, call: Call) -> None:
        """Remove, and wait until the cluster shows it no more."""
        from confluent_kafka.admin import UserScramCredentialDeletion

        deletion = UserScramCredentialDeletion(outputs["username"], _mechanism(outputs))
        try:
            self._alter(deletion, outputs, "remove")
        except Refused as error:
            if error.code != "RESOURCE_NOT_FOUND":
                raise
            return
        call.until_gone(
            lambda: self._iterations(outputs) is None,
            seconds=call.seconds or self._cluster.timeout,
            every=_POLL_SECONDS,
            otherwise=f"the credential {identifier} is still there: see the brokers' logs",
        )

    def _alter(self, alteration: Any, credential: Values, verb: str) -> None:
        user = credential["username"]
        with self._cluster.saying(f"cannot {verb} the {credential['scramMechanism']} credential of {user}"):
            requests = self._cluster.admin.alter_user_scram_credentials(
                [alteration], request_timeout=self._cluster.timeout
            )
            requests[user].result()

    def _await(self, identifier: str, credential: Values, call: Call) -> None:
        seconds, iterations = call.seconds or self._cluster.timeout, credential["scramIterations"]
        try:
            shown = call.until(
                lambda: self._iterations(credential) == iterations, seconds=seconds, every=_POLL_SECONDS
            )
        except ProviderError as error:
            raise Unfinished(str(error), identifier, _kept(credential)) from None
        if not shown:
            message = f"the credential {identifier} is not shown as it should be after {seconds:g} s"
            raise Unfinished(f"{message}: see the brokers' logs", identifier, _kept(credential))

    def _iterations(self, credential: Values) -> int | None:
        user = credential["username"]
        try:
            with self._cluster.saying(f"cannot look up the credentials of {user}"):
                requests: Any = self._cluster.admin.describe_user_scram_credentials(
                    [user], request_timeout=self._cluster.timeout
                )
                found = requests[user].result().scram_credential_infos
        except Refused as error:
            if error.code != "RESOURCE_NOT_FOUND":
                raise
            return None
        mechanism = _mechanism(credential)
        return next((int(one.iterations) for one in found if one.mechanism == mechanism), None)


def _kept(credential: Values) -> Values:
    return {name: value for name, value in credential.items() if name != _WRITE_ONLY}


def _upsertion(inputs: Values) -> Any:
    from confluent_kafka.admin import ScramCredentialInfo, UserScramCredentialUpsertion

    password = inputs.get("password") or inputs[_WRITE_ONLY]
    info = ScramCredentialInfo(_mechanism(inputs), inputs["scramIterations"])
    return UserScramCredentialUpsertion(inputs["username"], info, password.encode())


def _mechanism(credential: Values) -> Any:
    from confluent_kafka.admin import ScramMechanism

    return ScramMechanism[credential["scramMechanism"].replace("-", "_")]
