"""The names of configuration keys, wherever they stand. Pure."""

from __future__ import annotations

from engine.errors import BadInput


def full_key(key: str, project: str, *, where: str = "") -> str:
    """The fully named key: `namespace:name`, where `namespace:config:name` is an older way to say it.

    Args:
        key: the key; without a namespace, it is the project's.
        project: the project's name.
        where: what the message begins with.

    Raises:
        BadInput: the CLI would not take it for a key, and refuse the whole file that has it.
    """
    match key.split(":"):
        case [name]:
            return f"{project}:{name}"
        case [namespace, name] | [namespace, "config", name]:
            return f"{namespace}:{name}"
    raise BadInput(f"{where}{key!r} is no configuration key; it looks like `name` or `namespace:name`.")
