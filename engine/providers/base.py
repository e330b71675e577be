"""What a kind of resource must be able to do, and what it is told about the call it serves.

`service` translates gRPC to these terms and back; the packages ``docker`` and ``kafka`` implement them.
"""

from __future__ import annotations

import sys
import time
import traceback
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping, Sequence

    from engine.providers.check import Failure
    from engine.providers.diff import Change
    from engine.providers.schema import ResourceType, Schema
    from engine.values import Values


class ProviderError(Exception):
    """Something a person can act on: the message says what, where and what to do."""


class Lost(ProviderError):
    """An answer never came: whether the request was carried out is not known."""


class Unfinished(ProviderError):
    """A resource exists but is not what was asked for.

    Attributes:
        id: Its id.
        outputs: What it is now.
    """

    def __init__(self, message: str, identifier: str, outputs: Values) -> None:
        super().__init__(message)
        self.id = identifier
        self.outputs = outputs


class Cancelled(ProviderError):
    """The provider was told to stop while it waited for something."""


def fault(error: Exception) -> ProviderError:
    """Say that the provider itself has failed; where, its own error stream tells."""
    traceback.print_exception(error, file=sys.stderr)
    return ProviderError(f"a fault in this provider: {type(error).__name__}: {error}")


@dataclass(frozen=True)
class Call:
    """The circumstances of one call.

    Attributes:
        cancelled: Set when the provider is told to stop.
        inform: Shows the user a message while the call goes on.
        seconds: The limit that the program sets for this call; 0 is the resource's own.
        step: Identifies this creation for the case that its end is never recorded; empty with engines that do
            not say.
        orphans: Steps that were creating this resource when an earlier run died.
        since: When the first of them began.
    """

    cancelled: threading.Event
    inform: Callable[[str], None]
    seconds: float = 0.0
    step: str = ""
    orphans: frozenset[str] = field(default_factory=frozenset)
    since: str = ""

    def could_have_made(self, created: str) -> bool:
        """Tell whether something that was created at this time can be what those steps left."""
        if not self.orphans or not self.since:
            return False
        slack = timedelta(seconds=1)  # Docker writes a volume's time in whole seconds
        return datetime.fromisoformat(created) >= datetime.fromisoformat(self.since) - slack

    def until(self, condition: Callable[[], bool], *, seconds: float, every: float = 0.1) -> bool:
        """Wait for a condition, asking again after ``every`` seconds.

        Returns:
            Whether it came true within ``seconds``.

        Raises:
            Cancelled: The provider was told to stop.
        """
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() >= deadline:
                return False
            if self.cancelled.wait(every):
                raise Cancelled("cancelled while waiting")
        return True

    def until_gone(
        self, gone: Callable[[], bool], *, seconds: float, every: float = 0.1, otherwise: str
    ) -> None:
        """Wait for the end of a deletion that the system has accepted.

        Args:
            gone: Tells whether it is over.
            seconds: How long to wait.
            every: How often to ask.
            otherwise: What to say when it is not over by then.

        Raises:
            Lost: Nobody saw the end, for whatever reason: it may come all the same.
        """
        try:
            if self.until(gone, seconds=seconds, every=every):
                return
        except ProviderError as error:
            raise Lost(str(error)) from None
        raise Lost(otherwise)


class Resource(Protocol):
    """One kind of resource. Every method that touches the system raises `ProviderError` when that fails."""

    type: ResourceType

    def check(self, olds: Values, news: Values) -> list[Failure]:
        """Find the faults that no table can, in otherwise valid inputs; ``olds`` is empty if it is new."""

    def diff(self, olds: Values, news: Values, ignored: Sequence[str]) -> list[Change]:
        """Compare outputs from the state with new inputs."""

    def create(self, inputs: Values, call: Call) -> tuple[str, Values]:
        """Create it and return its id and outputs.

        Raises:
            Unfinished: It exists, but not as wanted.
        """

    def known_by(self, identifier: str) -> Values:
        """Return what an id alone says of a resource that no state knows."""

    def read(self, identifier: str, known: Values) -> Values | None:
        """Return its outputs as they are now, None when it is gone; ``known`` are the last ones."""

    def left(self, inputs: Values, call: Call) -> str:
        """Return the id of what orphaned steps left; empty if that is nothing, or not surely theirs."""

    def update(self, identifier: str, olds: Values, news: Values, call: Call) -> Values:
        """Change it in place and return its outputs; ``olds`` are the last ones.

        Raises:
            Unfinished: It is not as wanted.
        """

    def delete(self, identifier: str, outputs: Values, call: Call) -> None:
        """Remove it; one that is gone already is no fault.

        Raises:
            Lost: The system may have accepted it, and nobody saw the end.
        """


class Package(Protocol):
    """Everything that one provider serves."""

    @property
    def schema(self) -> Schema:
        """What there is."""

    @property
    def resources(self) -> Mapping[str, Resource]:
        """The resources by type token."""

    def check_config(self, config: Values) -> list[Failure]:
        """Find the faults in the provider's own configuration."""

    def configure(self, config: Values) -> None:
        """Take the configuration. Connects to nothing: previews need no running system."""

    def close(self) -> None:
        """Let go of connections."""
