"""Why something on the network failed, in the fewest true words."""

from __future__ import annotations


def root_error(error: BaseException) -> BaseException:
    """The innermost error: HTTP clients wrap the system's error several times."""
    seen: set[int] = set()
    while id(error) not in seen:
        seen.add(id(error))
        wrapped = (*error.args, getattr(error, "reason", None), error.__cause__, error.__context__)
        error = next((inner for inner in wrapped if isinstance(inner, BaseException)), error)
    return error


def root_cause(error: BaseException) -> str:
    """The innermost error in words."""
    innermost = root_error(error)
    return getattr(innermost, "strerror", None) or str(innermost) or type(innermost).__name__
