"""The git-ignored ``.site.yaml``: what this machine decided about images, for the program to read.

Other keys in the file belong to others and are kept.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import yaml

from images.catalogue import PROJECT
from images.errors import ImageError, told

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PATH = PROJECT / ".site.yaml"

_HEADER = "# Written by `make`: what this machine decided. Not for git.\n"


def read(path: Path = PATH) -> dict[str, Any]:
    """The file's content; empty if there is none.

    Raises:
        ImageError: it is not a YAML mapping.
    """
    if not path.exists():
        return {}
    try:
        content = yaml.safe_load(path.read_text())
    except OSError as error:
        raise ImageError(f"{told(error)}\nPut it right, or remove it to decide again.") from None
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise ImageError(f"{path} is not YAML: {error}\nCorrect it, or remove it to decide again.") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ImageError(f"{path} must be a mapping of keys. Correct it, or remove it to decide again.")
    return content


def images(content: Mapping[str, Any]) -> dict[str, str]:
    """The references that the file's content notes, by site key.

    Raises:
        ImageError: they are not a mapping of texts.
    """
    noted = content.get("images")
    if noted is None:
        return {}
    if not isinstance(noted, dict) or not all(isinstance(value, str) for value in noted.values()):
        raise ImageError(
            f"`images` in {PATH.name} must name one image a key, such as `kafka: NAME:TAG`. "
            "Correct it, or remove it and run `make images`."
        )
    return dict(noted)


def write_local(images: Mapping[str, str], path: Path = PATH) -> None:
    """Notes that containers run images built here, and which.

    Args:
        images: references by site key; keys that are not named keep theirs.
        path: the file.
    """
    content = read(path)
    known = content.get("images")
    content |= {
        "imageSource": "local",
        "images": {**(known if isinstance(known, dict) else {}), **images},
    }
    _write(content, path)


def write_registry(path: Path = PATH) -> None:
    """Notes that containers run the public images."""
    content = read(path)
    content.pop("images", None)
    _write(content | {"imageSource": "registry"}, path)


def _write(content: dict[str, Any], path: Path) -> None:
    text = _HEADER + yaml.safe_dump(content, sort_keys=False)
    if path.exists() and path.read_text() == text:
        return
    # Written aside and renamed: a reader never sees half a file.
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    aside.write_text(text)
    aside.replace(path)
