"""The host's own way to Debian packages, turned to the release that the images are built on.

Mirrors, proxies, certificates and credentials are the host's: they are read here, used on the host, and
reach neither the repository nor an image. Installing what was downloaded is :mod:`images.debian`'s.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from images.steps import Log

ETC = Path("/etc/apt")
"""The host's apt configuration."""

OS_RELEASE = Path("/etc/os-release")

# What apt needs to reach a mirror; the rest of its configuration is about installing on this host.
_REACH = re.compile(r"^Acquire::(https?|ftp|Retries|Check-Valid-Until|Check-Date|ForceIPv[46])\b")
_ENTRY = re.compile(
    r"^deb\s+(?:\[(?P<options>[^]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s+(?P<components>\S.*)$"
)
_INDEXES = threading.Lock()  # builds side by side share the indexes, and apt refuses a second user of them
_KEPT_OPTIONS = {"signed-by": "Signed-By", "trusted": "Trusted"}


def sources(suite: str, *, etc: Path = ETC, os_release: Path = OS_RELEASE) -> str:
    """The host's Debian sources, turned to another suite, in apt's deb822 form.

    Only entries for the host's own release count, so third parties' repositories are left out. Empty on
    a host that is not Debian: the bootstrap tool's default mirror then decides.
    """
    release = dict(
        line.split("=", 1) for line in os_release.read_text().splitlines() if re.match(r"\w+=", line)
    )
    if release.get("ID", "").strip('"') != "debian":
        return ""
    codename = release.get("VERSION_CODENAME", "").strip('"')
    stanzas: list[str] = []
    for path in sorted(etc.glob("sources.list.d/*.sources")):
        stanzas += _from_deb822(path.read_text(), codename, suite)
    for path in (etc / "sources.list", *sorted(etc.glob("sources.list.d/*.list"))):
        if path.exists():
            stanzas += _from_lines(path.read_text().splitlines(), codename, suite)
    return "\n".join(stanzas)


def options(trust: Path) -> list[str]:
    """The host's apt settings for reaching a mirror (proxy, timeouts), in the form of apt's configuration.

    Args:
        trust: certificates for mirrors with TLS, unless the host names others for apt.
    """
    dump = subprocess.run(["apt-config", "dump", "Acquire"], capture_output=True, text=True, check=True)
    lines = [line for line in dump.stdout.splitlines() if _REACH.match(line) and not line.endswith(' "";')]
    if not any("::CAInfo " in line for line in lines):
        lines.append(f'Acquire::https::CAInfo "{trust}";')
    return lines


def credentials(*, etc: Path = ETC) -> list[Path]:
    """The files and folders that hold the host's credentials for mirrors, where there are any."""
    return [path for path in (etc / "auth.conf", etc / "auth.conf.d") if path.exists()]


def download(
    packages: Sequence[str], *, status: Path, state: Path, target: Path, trust: Path, log: Log
) -> None:
    """Downloads packages and what they depend on, as far as a system does not have them yet.

    Args:
        packages: names.
        status: dpkg's record of what that system has installed.
        state: folder with ``sources.list`` and ``sources.list.d``; package indexes are kept there too.
        target: gets the ``.deb`` files.
        trust: certificates for mirrors with TLS.
        log: gets apt's output.

    Raises:
        ImageError: apt failed; the message ends with its last lines.
    """
    for folder in (state / "lists/partial", target / "partial"):
        folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "Dir::Etc::SourceList": state / "sources.list",
        "Dir::Etc::SourceParts": state / "sources.list.d",
        "Dir::State": state,
        "Dir::State::status": status,
        "Dir::Cache": state,
        "Dir::Cache::Archives": target,
        # The unprivileged user that apt downloads as cannot see folders below a home directory.
        "APT::Sandbox::User": "root",
        "APT::Install-Recommends": "false",
    }
    # In a file and not on the command line, where all users see it: a proxy's address may hold a password.
    with _INDEXES, tempfile.NamedTemporaryFile("w", suffix=".conf") as configuration:
        configuration.writelines(f"{line}\n" for line in options(trust))
        configuration.flush()
        base = [
            "apt-get",
            "--yes",
            f"--config-file={configuration.name}",
            *(f"--option={name}={value}" for name, value in settings.items()),
        ]
        log.run([*base, "update"])
        log.run([*base, "install", "--download-only", *packages])


def _from_deb822(text: str, codename: str, suite: str) -> list[str]:
    stanzas = []
    for stanza in re.split(r"\n\s*\n", text):
        # A field may go on in lines that begin with a space (a key that stands in the file).
        fields = dict(re.findall(r"^([A-Za-z][\w-]*):[ \t]*((?:.*)(?:\n[ \t].*)*)", stanza, re.MULTILINE))
        wanted = [name for name in fields.get("Suites", "").split() if _is_of(name, codename)]
        if not wanted or "deb" not in fields.get("Types", "").split() or fields.get("Enabled") == "no":
            continue
        fields |= {"Types": "deb", "Suites": " ".join(name.replace(codename, suite, 1) for name in wanted)}
        stanzas.append("".join(f"{key}: {value}\n" for key, value in fields.items()))
    return stanzas


def _from_lines(lines: Iterable[str], codename: str, suite: str) -> list[str]:
    stanzas = []
    for line in lines:
        entry = _ENTRY.match(line.partition("#")[0].strip())
        if not entry or not _is_of(entry["suite"], codename):
            continue
        fields = {
            "Types": "deb",
            "URIs": entry["uri"],
            "Suites": entry["suite"].replace(codename, suite, 1),
            "Components": entry["components"],
        }
        for option in (entry["options"] or "").split():
            key, _, value = option.partition("=")
            if key.lower() in _KEPT_OPTIONS:
                fields[_KEPT_OPTIONS[key.lower()]] = value.replace(",", " ")
        stanzas.append("".join(f"{key}: {value}\n" for key, value in fields.items()))
    return stanzas


def _is_of(suite: str, codename: str) -> bool:
    return suite in {codename, f"{codename}-updates", f"{codename}-security"}
