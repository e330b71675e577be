"""The host's own way to Debian packages, turned to the release that the images are built on.

Mirrors, proxies, certificates and credentials are the host's: they are read here, used on the host, and
reach neither the repository nor an image. Installing what was downloaded is :mod:`images.debian`'s.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

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
_KEPT_OPTIONS = frozenset({"signed-by", "trusted"})
_SPELLED = {"uris": "URIs"}  # the other fields' words begin with capital letters
_OFF = frozenset({"no", "false", "without", "off", "disable", "0"})
_PARTS = ("", "-updates", "-security")
_COMPONENTS = frozenset({"main", "contrib", "non-free", "non-free-firmware"})
_DEBIAN = "Debian"


@dataclass(frozen=True, kw_only=True)
class Index:
    """What this host's apt knows of a repository since it was last asked."""

    uri: str
    suite: str
    """As the sources name it, such as ``oldstable-updates``."""
    codename: str
    """The repository's own name for it, such as ``bookworm-updates``."""
    origin: str
    """Who publishes it."""


@dataclass(frozen=True, kw_only=True)
class _Entry:
    """A source of packages, its fields by their names in small letters."""

    fields: dict[str, str]

    def words(self, field: str) -> list[str]:
        return self.fields.get(field, "").split()

    def indexes(self, known: Iterable[Index]) -> list[Index]:
        uris = {_bare(uri) for uri in self.words("uris")}
        suites = self.words("suites")
        return [index for index in known if _bare(index.uri) in uris and index.suite in suites]


@dataclass(frozen=True, kw_only=True)
class _Offer:
    """What an entry has of the wanted release."""

    entry: _Entry
    suites: Mapping[str, set[str]]
    """The wanted suites, each with its publishers; none where apt knows nothing of it."""

    def kept(self, debians: Collection[str]) -> list[str]:
        """The suites for which the entry counts, where Debian itself offers these."""
        return [
            suite
            for suite, origins in self.suites.items()
            if not origins or _DEBIAN in origins or suite not in debians
        ]


def sources(
    suite: str, *, etc: Path = ETC, os_release: Path = OS_RELEASE, known: Iterable[Index] | None = None
) -> str:
    """The host's Debian sources, turned to another suite, in apt's deb822 form.

    Only entries for the host's own release count. Third parties that use Debian's names for their own
    repositories are told from it by their components, and by who publishes them, as far as apt knows that.

    Args:
        suite: the release that they are turned to.
        etc: apt's configuration.
        os_release: says what this host runs.
        known: what apt knows of the repositories; asked for by default.

    Returns:
        the sources; empty on a host that names none, such as one that is not Debian: the bootstrap tool's
        default mirror then decides.
    """
    release = dict(
        line.split("=", 1) for line in os_release.read_text().splitlines() if re.match(r"\w+=", line)
    )
    if release.get("ID", "").strip('"') != "debian":
        return ""
    codename = release.get("VERSION_CODENAME", "").strip('"')
    parts = {f"{codename}{part}": f"{suite}{part}" for part in _PARTS}
    known = list(known_indexes() if known is None else known)
    offers = [_offer(entry, parts, known) for entry in _entries(etc)]
    # A site may publish copies of Debian under its own name: of suites that Debian does not offer, all count.
    debians = {suite for offer in offers for suite, origins in offer.suites.items() if _DEBIAN in origins}
    return "\n".join(
        _stanza(offer.entry.fields | {"types": "deb", "suites": " ".join(kept)})
        for offer in offers
        if (kept := offer.kept(debians))
    )


def _offer(entry: _Entry, parts: Mapping[str, str], known: Iterable[Index]) -> _Offer:
    suites: dict[str, set[str]] = {}
    components = entry.words("components")
    if components and set(components) <= _COMPONENTS:
        indexes = entry.indexes(known)
        for name in entry.words("suites"):
            told = [index for index in indexes if index.suite == name]
            # A name such as `oldstable` says what it stands for only together with who publishes it.
            codename = next((index.codename for index in told if index.origin == _DEBIAN), name)
            if codename in parts:
                suites.setdefault(parts[codename], set()).update(index.origin for index in told)
    return _Offer(entry=entry, suites=suites)


def known_indexes() -> list[Index]:
    """What this host's apt knows of its repositories, without asking them."""
    try:
        told = subprocess.run(
            ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(CODENAME) $(ORIGIN)"],
            capture_output=True,
            text=True,
            check=False,
        ).stdout
    except FileNotFoundError:
        return []
    found = []
    for line in sorted(set(told.splitlines())):
        match line.split(" ", 3):
            # What apt does not know, because it has not fetched the index yet, it leaves as it was asked.
            case [uri, suite, codename, origin] if "$(" not in line:
                found.append(Index(uri=uri, suite=suite, codename=codename, origin=origin))
    return found


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
    packages: Sequence[str],
    *,
    sources: Path,
    status: Path,
    state: Path,
    target: Path,
    trust: Path,
    log: Log,
) -> None:
    """Downloads packages and what they depend on, as far as a system does not have them yet.

    Args:
        packages: names.
        sources: folder with ``sources.list`` and ``sources.list.d``.
        status: dpkg's record of what that system has installed.
        state: folder that keeps the package indexes.
        target: gets the ``.deb`` files.
        trust: certificates for mirrors with TLS.
        log: gets apt's output.

    Raises:
        ImageError: apt failed; the message ends with its last lines.
    """
    for folder in (state / "lists/partial", target / "partial"):
        folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "Dir::Etc::SourceList": sources / "sources.list",
        "Dir::Etc::SourceParts": sources / "sources.list.d",
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


def _entries(etc: Path) -> Iterator[_Entry]:
    """The entries for built packages that are switched on, in either form."""
    for path in sorted(etc.glob("sources.list.d/*.sources")):
        yield from _from_deb822(path.read_text(errors="replace"))
    for path in (etc / "sources.list", *sorted(etc.glob("sources.list.d/*.list"))):
        if path.exists():
            yield from _from_lines(path.read_text(errors="replace").splitlines())


def _from_deb822(text: str) -> Iterator[_Entry]:
    for stanza in re.split(r"\n\s*\n", text):
        # A field may go on in lines that begin with a space (a key that stands in the file).
        fields = re.findall(r"^([A-Za-z][\w-]*):[ \t]*((?:.*)(?:\n[ \t].*)*)", stanza, re.MULTILINE)
        entry = _Entry(fields={name.lower(): value for name, value in fields})
        enabled = entry.fields.pop("enabled", "yes").strip().lower()
        if "deb" in entry.words("types") and enabled not in _OFF:
            yield entry


def _from_lines(lines: Iterable[str]) -> Iterator[_Entry]:
    for line in lines:
        entry = _ENTRY.match(line.partition("#")[0].strip())
        if not entry:
            continue
        fields = {
            "types": "deb",
            "uris": entry["uri"],
            "suites": entry["suite"],
            "components": entry["components"],
        }
        for option in (entry["options"] or "").split():
            key, _, value = option.partition("=")
            if key.lower() in _KEPT_OPTIONS:
                fields[key.lower()] = value.replace(",", " ")
        yield _Entry(fields=fields)


def _stanza(fields: Mapping[str, str]) -> str:
    return "".join(f"{_SPELLED.get(key, key.title())}: {value}\n" for key, value in fields.items())


def _bare(uri: str) -> str:
    """An address as apt compares it, without a password, which apt may leave out."""
    return re.sub(r"//[^/@]*@", "//", uri).rstrip("/")
