"""The one error of this package: something a person can put right."""

from __future__ import annotations


class ImageError(Exception):
    """A build, check or choice of images cannot go on; the message says what to do about it."""
