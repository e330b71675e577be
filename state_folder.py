"""Where the states of a project's stacks lie: which backend is meant, and the folder that its address names.

The embedded engine, the launcher and the operators' tool all ask here, so that none looks elsewhere than the
others. The rules are the Pulumi CLI's own. Nothing is changed.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote_to_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

URL_VARIABLE = "PULUMI_BACKEND_URL"
"""The environment's choice of a backend, which wins over all others."""
KEPT = ".pulumi"
"""What a backend's folder keeps all its files in."""
META = "meta.yaml"
"""The file in :data:`KEPT` that says which layout the others have."""
LAYOUT = 1
"""Stacks lie in a folder for each project; layout 0 had them all in one."""
COMPRESSED = (".gz", ".zst")
"""What the CLI puts behind the name of a state that it has compressed."""
_FOLDER = "file://"
_HARMLESS = frozenset(
    {"base_url", "create_dir", "dir_file_mode", "metadata", "no_tmp_dir", "secret_key_path"}
)
"""What an address may ask for that does not change where files lie; `prefix`, for one, does."""
_CREDENTIALS = "PULUMI_CREDENTIALS_PATH"


class AddressError(ValueError):
    """Which folder is meant cannot be told for sure; the message says why."""


def home(environment: Mapping[str, str]) -> Path:
    """The CLI's own folder: credentials and which stacks are selected."""
    return Path(environment.get("PULUMI_HOME") or Path.home() / ".pulumi")


def login(environment: Mapping[str, str]) -> str:
    """The address that `pulumi login` has chosen; empty if nobody is logged in.

    Raises:
        AddressError: there may be one, and it cannot be read.
    """
    file = Path(environment.get(_CREDENTIALS) or home(environment)) / "credentials.json"
    try:
        text = file.read_text(encoding="utf-8")
        document = json.loads(text) if text else {}
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        raise AddressError(f"{file} cannot be read: {error}") from None
    if not isinstance(document, dict) or not isinstance(document.get("current") or "", str):
        raise AddressError(f"{file} is not what `pulumi login` writes")
    if any(key.startswith("$") for key in document):
        raise AddressError(f"{file} is encrypted")
    return document.get("current") or ""


def shown(address: str) -> str:
    """An address as messages may show it: without user and query, which may hold a password.

    A folder has neither, and what its address asks for is what a person must see.
    """
    if address.startswith(_FOLDER):
        return address
    return re.sub(r"(?<=://).*@", "***@", address).partition("?")[0]


def chosen(environment: Mapping[str, str], in_project: str) -> str:
    """The address of the backend that is meant; empty if none is.

    A login that cannot be read counts as none.

    Args:
        environment: its variable wins over all others.
        in_project: `backend.url` of Pulumi.yaml, or nothing; it wins over a login.
    """
    named = environment.get(URL_VARIABLE) or in_project
    if named:
        return named
    try:
        return login(environment)
    except AddressError:
        return ""


def path(address: str) -> Path:
    """The folder that an address names; a relative one is relative to where the command runs.

    Raises:
        AddressError: it is no folder on this machine, or not for sure which.
    """
    if not address.startswith(_FOLDER):
        raise AddressError(f"it does not begin with {_FOLDER}")
    text, _, query = address.removeprefix(_FOLDER).partition("#")[0].partition("?")
    if moving := sorted(parse_qs(query, keep_blank_values=True).keys() - _HARMLESS):
        raise AddressError(f"it asks for {', '.join(moving)}, which may lead to another place in the folder")
    first, *others = text.split("/")
    if first.startswith("~"):
        if first != "~":
            raise AddressError("`~` stands for one's own home alone, as in file://~/states")
        text = str(Path.home().joinpath(*others))
    # The order is the CLI's: what is encoded is no part of the path yet when that is put straight.
    return Path(os.fsdecode(unquote_to_bytes(os.fsencode(os.path.normpath(text)))))


def stack_file(kept: Path, project: str, stack: str) -> Path:
    """A stack's state, in a backend's folder :data:`KEPT`."""
    return kept / "stacks" / project / f"{stack}.json"


def old_layout(kept: Path, stack: str = "*") -> list[Path]:
    """States of layout 0, of one stack or of all. The CLI writes no :data:`META` beside them."""
    return [file for ending in ("", *COMPRESSED) for file in (kept / "stacks").glob(f"{stack}.json{ending}")]


def locks(kept: Path, project: str, stack: str) -> Path:
    """The folder of a stack's locks: whoever has a file there holds the stack."""
    return kept / "locks" / "organization" / project / stack
