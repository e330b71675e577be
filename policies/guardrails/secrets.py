"""Secrets stay out of what `docker inspect` shows to everybody: environment, command, labels."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from guardrails import reading
from guardrails.reading import CONTAINER, NETWORK, VOLUME
from guardrails.rule import ResourceRule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pulumi_policy import ResourceValidationArgs

_NAME = re.compile(
    r"(^|[._-])(PASSWORD|PASSWD|PASSPHRASE|PWD|SECRET|TOKEN|CREDENTIALS?|API_?KEY|PRIVATE_?KEY|ACCESS_?KEY)S?($|[._-])",
    re.IGNORECASE,
)
_ABOUT = re.compile(
    r"(_|\.)(FILE|FILES|PATH|LOCATION|FILENAME|TYPE|MECHANISMS?|CLASS|PROVIDERS?)$", re.IGNORECASE
)
"""Ends of names that say where a secret is or of what kind, and do not hold it."""
_ELSEWHERE = re.compile(r"^(/|file:|\$\{(file|env|dir)[:\w])")
"""Values that say where the secret is to be read."""
_VALUES = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"), "a private key"),
    (
        re.compile(r"\b(password|secret)\s*=\s*[\"']?[^\s\"';$/][^\s\"';]*", re.IGNORECASE),
        "a password in its value",
    ),
    (re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/:@]+:[^\s/@]+@", re.IGNORECASE), "a password in an address"),
)


def _findings(values: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    for name, value in sorted(values.items()):
        if not value:
            continue
        if _NAME.search(name) and not _ABOUT.search(name) and not _ELSEWHERE.match(value):
            yield name, "is named like a secret and has a value"
            continue
        for pattern, what in _VALUES:
            if pattern.search(value):
                yield name, f"holds {what}"
                break


def _no_secret(args: ResourceValidationArgs) -> Iterable[str]:
    kind = args.resource_type.rpartition(":")[2].lower()
    places = {"the label": reading.labels(args.props)}
    if args.resource_type == CONTAINER:
        words = {
            f"word {number}": word for number, word in enumerate(reading.items(args.props, "command"), 1)
        }
        given = reading.arguments(args.props)
        places |= {
            "the variable": reading.environment(args.props),
            "the argument": given,
            "the command's": {name: word for name, word in words.items() if "=" not in word},
        }
    for place, values in places.items():
        for name, problem in _findings(values):
            yield (
                f"The {kind} {reading.container_name(args)}: {place} {name} {problem}, which everybody sees "
                "who may look at the container; a file that it reads is allowed."
            )


RULES = (
    ResourceRule(
        name="no-secret-in-sight",
        what="No secret stands in a container's environment, command or labels.",
        why="Environment and labels are shown by docker inspect, in logs and in the state.",
        fix="Upload it as a file and name that file: ..._FILE, ..._LOCATION or ${file:...}.",
        types=(CONTAINER, NETWORK, VOLUME),
        judge=_no_secret,
    ),
)
