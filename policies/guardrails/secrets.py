"""Secrets stay out of what `docker inspect` shows to everybody: environment, commands, options, labels."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any

from guardrails import reading
from guardrails.reading import CONTAINER, NETWORK, VOLUME
from guardrails.rule import ResourceRule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pulumi_policy import ResourceValidationArgs

_NAME = re.compile(
    r"(PASSWORD|PASSWD|PASSPHRASE|PWD|SECRET|TOKEN|CREDENTIAL|(API|PRIVATE|ACCESS)[._-]?KEY|USER[._-]?INFO"
    r"|(?<!BY)(?<!COM)PASS)S?($|[\d._-])",
    re.IGNORECASE,
)
_ABOUT = re.compile(
    r"([._-](FILE|FILENAME|PATH|LOCATION|DIR|DIRECTORY|FOLDER|TYPE|MECHANISM|CLASS|PROVIDER|SOURCE|UR[IL]"
    r"|ALGORITHM|ITERATION|LENGTH|COUNT|MS|SECOND|ENABLED?)(S|ES)?|^KAFKA_SSL_\w+_CREDENTIALS"
    r"|(SECRET|TOKEN|CREDENTIAL)S[._-]ROOT)$",
    re.IGNORECASE,
)
"""Names that say where a secret is or of what kind, and do not hold it; the last ones name files, too."""
_ELSEWHERE = re.compile(r"file:/\S*|\$\{\w+:[^}]+\}")
"""Values that say where the secret is to be read. No path is one: a password may begin with a slash."""
_PROVIDER = re.compile(r"CONFIG(_PROVIDERS_([^_.]|__)+_|\.PROVIDERS\.[^.]+\.)", re.IGNORECASE)
"""What somebody calls a provider of settings; what follows in a name is the provider's own setting."""
_AMOUNT = re.compile(r"[^=]*(=(true|false)|TOKENS?=\d{1,7}|[._-](PASS|CREDENTIALS?)=\d{1,3})", re.IGNORECASE)
"""A switch, or a number of things: nobody's secret is so short."""
_WORKING_FOLDER = re.compile(r"(OLD)?PWD=/.*")
_VALUES = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"), "a private key"),
    (re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/:@]+:[^\s/@]+@", re.IGNORECASE), "a password in an address"),
)
_GIVEN = re.compile(
    r"(?<![\w.])(?P<name>[A-Za-z][\w.-]*)(\s*=\s*[\"']?|[\"']\s*:\s*[\"'])(?=(?P<value>[^\s\"',;&]+))"
    r"|(?<!\S)--?(?P<flag>[A-Za-z][\w.-]*)(?=\s+[\"']?(?P<word>[^\s\"',;&-][^\s\"',;&]*))"
)
"""What a text sets: as NAME=VALUE, as JSON, or as a flag with the word behind it."""
_VARIABLE = ("$", "`")
"""Begin what a shell puts in only when it runs."""


def _is_secret(name: str, value: str) -> bool:
    name, said = _PROVIDER.sub("", name), f"{name}={value}"
    if not value or _ELSEWHERE.fullmatch(value) or _WORKING_FOLDER.fullmatch(said) or _AMOUNT.fullmatch(said):
        return False
    return bool(_NAME.search(name)) and not _ABOUT.search(name)


def _held(text: str) -> str:
    """What secret a text holds; empty if it holds none."""
    for pattern, what in _VALUES:
        if pattern.search(text):
            return what
    for found in _GIVEN.finditer(text):
        value = found["value"] or found["word"]
        if not value.startswith(_VARIABLE) and _is_secret(found["name"] or found["flag"], value):
            return f"the value of {found['name'] or found['flag']}"
    return ""


def _findings(values: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    for name, value in sorted(values.items()):
        if _is_secret(name, value):
            yield name, "is named like a secret and has a value"
        elif held := _held(value):
            yield name, f"holds {held}"


def _words(words: Sequence[str]) -> dict[str, str]:
    """Words of a command by their number, each flag of a secret's name with the word behind it."""
    numbered = {f"word {number}": word for number, word in enumerate(words, 1)}
    for number, (word, behind) in enumerate(itertools.pairwise(words), 1):
        if word.startswith("-") and _NAME.search(word) and "=" not in word:
            numbered[f"word {number}"] = f"{word} {behind}"
    return numbered


def _places(args: ResourceValidationArgs) -> dict[str, Mapping[str, str]]:
    props: Mapping[str, Any] = args.props
    labels = reading.labels(props)
    if args.resource_type != CONTAINER:
        options = "driverOpts" if args.resource_type == VOLUME else "options"
        return {"the label": labels, "the option": props.get(options) or {}}
    command = _words(reading.items(props, "command"))
    check = props.get("healthcheck") or {}
    return {
        "the label": labels,
        "the variable": reading.environment(props),
        "the argument": reading.arguments(props),
        "the command's": {
            number: word for number, word in command.items() if not reading.ASSIGNMENT.match(word)
        },
        "the entry point's": _words(reading.items(props, "entrypoints")),
        "the health check's": _words(reading.items(check, "tests")),
        "the log option": props.get("logOpts") or {},
    }


def _no_secret(args: ResourceValidationArgs) -> Iterable[str]:
    kind = args.resource_type.rpartition(":")[2].lower()
    for place, values in _places(args).items():
        for name, problem in _findings(values):
            yield (
                f"The {kind} {reading.container_name(args)}: {place} {name} {problem}, which everybody sees "
                "who may look at the container; a file that it reads is allowed."
            )


RULES = (
    ResourceRule(
        name="no-secret-in-sight",
        what="No secret stands in a container's environment, commands, options or labels.",
        why="All of them are shown by docker inspect, in logs and in the state.",
        fix="Upload it as a file and name that file: ..._FILE, ..._LOCATION or ${file:...}.",
        types=(CONTAINER, NETWORK, VOLUME),
        judge=_no_secret,
    ),
)
