"""What all dynamic providers share: progress that reaches the user, refusals without a traceback.

A provider's class is in the state by module and name, and its instances are empty: moving or renaming one
breaks the refresh and the removal of what it made.
"""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from pulumi.dynamic import ResourceProvider

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

PROVIDER_KEY = "__provider"
"""Where the SDK keeps the pickled provider among a resource's properties."""

P = ParamSpec("P")
R = TypeVar("R")


class Refusal(Exception):
    """An operation cannot be done; the message is for the person who runs `pulumi`."""


# Python shows an exception of this module without the module's name.
Refusal.__module__ = "builtins"


class EmptyProvider(ResourceProvider):
    """A provider without any state of its own, so that what is stored of it never changes."""

    serialize_as_secret_always = False


def told_plainly(method: Callable[P, R]) -> Callable[P, R]:
    """Lets a :class:`Refusal` of a method reach the user without a traceback.

    The SDK's server answers every exception with its formatted traceback, and the limit of its length,
    which is the whole process's, is the only say that a provider has in it. Every other exception keeps
    its traceback.
    """

    @functools.wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        sys.__dict__.pop("tracebacklimit", None)
        try:
            return method(*args, **kwargs)
        except Refusal:
            sys.tracebacklimit = 0
            raise

    return call


def tell(message: str) -> None:
    """Shows a line to the user: the engines pass on what a provider's process prints."""
    sys.stdout.write(message + "\n")
    sys.stdout.flush()


def differs(olds: Mapping[str, Any], news: Mapping[str, Any], *, ignoring: Collection[str] = ()) -> bool:
    """Whether any input is other than before.

    Args:
        olds: what is in the state; it may hold outputs besides.
        news: the wanted inputs; a value that is not known yet differs from every other.
        ignoring: inputs that do not count.
    """
    return any(
        olds.get(key) != value for key, value in news.items() if key != PROVIDER_KEY and key not in ignoring
    )


def inputs_only(values: Mapping[str, Any]) -> dict[str, Any]:
    """Properties without the SDK's own."""
    return {key: value for key, value in values.items() if key != PROVIDER_KEY}
