"""Looking for files that inputs may name."""

from __future__ import annotations

from pathlib import Path


def is_file(text: str) -> bool:
    """Tell whether a text is the path of a file; what can be no path, or must not be looked at, is none.

    The system's own error would quote the text, and that may be a secret where another thing was expected.
    """
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        return False
