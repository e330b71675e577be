"""The one error of this package: something a person can put right."""

from __future__ import annotations

import errno
import shutil


class ImageError(Exception):
    """A build, check or choice of images cannot go on; the message says what to do about it."""


def told(error: OSError) -> str:
    """What the operating system refused, in one line: the file and the reason."""
    if isinstance(error, shutil.Error) and error.args and isinstance(error.args[0], list):
        # A copied folder's faults come together, one a file.
        _, target, reason = error.args[0][0]
        more = len(error.args[0]) - 1
        return f"{target}: {reason}" + (f" (and {more} more)" if more else "")
    reason = error.strerror or str(error)
    line = f"{error.filename}: {reason}" if error.filename is not None else reason
    if error.errno in {errno.EACCES, errno.EPERM}:
        line += " (an earlier build by another user, such as root, may own it)"
    return line
