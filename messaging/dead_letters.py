"""Dead letter queues: their classes, their names and what is added to a message that goes there. Pure.

The written contract is in docs/streams.md; whoever produces or reads dead letters follows it.
"""

from __future__ import annotations

from enum import StrEnum

SUFFIX = ".dlq"
"""What every dead letter queue's name has behind its stream's name."""


class DeadLetterClass(StrEnum):
    """Why a message could not be processed, which decides its queue."""

    GENERAL = ""
    """No class is known, or retries were used up for a reason that is none of the others."""
    VALIDATION_ERROR = "validation_error"
    """The message does not match its schema or breaks a rule about its content."""
    PROCESSING_ERROR = "processing_error"
    """The message is fine, what it set off failed."""
    POISON = "poison"
    """The message cannot even be read, or ends the consumer."""


def queue_name(stream: str, error_class: DeadLetterClass) -> str:
    """The queue of a stream's dead letters of one class."""
    return f"{stream}{SUFFIX}.{error_class}" if error_class else f"{stream}{SUFFIX}"


def queue_names(stream: str) -> tuple[str, ...]:
    """The four queues of a stream."""
    return tuple(queue_name(stream, error_class) for error_class in DeadLetterClass)
