"""Building images for real: with nothing to do, behind a proxy that inspects TLS, under a strict umask."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.e2e import harness, inspecting_proxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.inspecting_proxy import Proxy

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.whole_machine,
    harness.needs("apt-get", "mmdebstrap", "mvn", "unshare", root=True),
]

HOST_CERTIFICATES = Path("/usr/local/share/ca-certificates")
POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>test</groupId>
  <artifactId>test</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-api</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
"""
MAVEN_SETTINGS = """\
<settings>
  <proxies>
    <proxy>
      <id>site</id>
      <protocol>https</protocol>
      <host>127.0.0.1</host>
      <port>{port}</port>
      <username>{user}</username>
      <password>{password}</password>
    </proxy>
  </proxies>
</settings>
"""
MAVEN = """\
from pathlib import Path
from images import certificates, downloads, steps
here = Path("maven-trial").resolve()
with certificates.bundle(certificates.of_host()) as trust:
    downloads.download_artifacts(
        here, version="1", target=here / "target", repository=here / "repository", trust=trust,
        log=steps.Log(here / "log"),
    )
"""


@dataclass
class Site:
    """A checkout in a mount namespace of its own, in which the host's certificates and apt are the test's.

    Its files and all that runs there are closed to others, and Docker's client is told of the proxy.
    """

    checkout: Path
    proxy: Proxy

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Runs a command there; nothing of the host's folders changes."""
        folder = self.checkout.parent
        script = (
            "umask 027 && "
            f"mount --bind {folder}/certificates {HOST_CERTIFICATES} && "
            f'mount --bind {folder}/apt /etc/apt && exec "$@"'
        )
        return subprocess.run(
            ["unshare", "--mount", "--propagation=private", "bash", "-c", script, "bash", *command],
            cwd=self.checkout,
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
        )

    def build(self, *roles: str) -> subprocess.CompletedProcess[str]:
        """`python -m images build`, from nothing that this host has downloaded before."""
        return self.run(sys.executable, "-m", "images", "build", "--source=local", *roles)

    def reference(self, role: str) -> str:
        """The name that an image has in this site."""
        listed = self.run(sys.executable, "-m", "images", "list").stdout
        return next(line.split()[0] for line in listed.splitlines() if f"/{role}:" in line)

    def _environment(self) -> dict[str, str]:
        # Whatever names certificates or a proxy would hide what the project finds by itself.
        hidden = re.compile(r".*(_CERT|_CERTS|_CA_BUNDLE|_CERT_FILE|_CAINFO|_PROXY)|PIP_.*", re.IGNORECASE)
        kept = {name: value for name, value in os.environ.items() if not hidden.fullmatch(name)}
        return kept | {
            "PIP_PROXY": self.proxy.url,
            "PIP_NO_CACHE_DIR": "1",
            "DOCKER_CONFIG": f"{self.checkout.parent}/docker",
            "MAVEN_OPTS": f"-Duser.home={self.checkout.parent}/home",
        }


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("inspected")
    checkout = folder / "project"
    for name in ("images", "messaging"):
        shutil.copytree(harness.ROOT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(harness.ROOT / "requirements.lock", checkout)
    for path in (checkout, *checkout.rglob("*")):
        path.chmod(path.stat().st_mode & ~0o027)
    shutil.copytree("/etc/apt", folder / "apt")
    plain = set()
    for file in (folder / "apt").rglob("*.[ls][io]*"):
        if file.is_file() and file.suffix in (".list", ".sources"):
            plain |= set(re.findall(r"http://([^/\s:]+)", file.read_text()))
            file.write_text(file.read_text().replace("http://", "https://"))
    (folder / "authority").mkdir()
    (folder / "stranger").mkdir()
    with inspecting_proxy.running(folder / "authority", plain) as proxy:
        (folder / "apt" / "apt.conf.d" / "99site").write_text(
            f'Acquire::http::Proxy "{proxy.url}";\nAcquire::https::Proxy "{proxy.url}";\n'
        )
        (folder / "docker").mkdir()
        (folder / "docker" / "config.json").write_text(
            json.dumps({"proxies": {"default": {"httpProxy": proxy.url, "httpsProxy": proxy.url}}})
        )
        (folder / "certificates").mkdir()
        (folder / "home" / ".m2").mkdir(parents=True)
        (folder / "home" / ".m2" / "settings.xml").write_text(
            MAVEN_SETTINGS.format(
                port=proxy.port, user=inspecting_proxy.USER, password=inspecting_proxy.PASSWORD
            )
        )
        (checkout / "maven-trial").mkdir()
        (checkout / "maven-trial" / "pom.xml").write_text(POM)
        yield Site(checkout=checkout, proxy=proxy)


@pytest.fixture(scope="module")
def console(site: Site) -> Iterator[str]:
    """The console's image, built behind the proxy with its authority among the host's certificates."""
    # Without the authority nothing comes through: what is built below owes it to the certificate. Trusting
    # another one makes this build no other's on this host, which would be there already.
    certificates = site.checkout.parent / "certificates"
    stranger = certificates / "stranger.crt"
    stranger.write_bytes(inspecting_proxy.Authority(site.checkout.parent / "stranger").pem)
    refused = site.build("base")
    assert refused.returncode == 1, refused.stderr
    assert re.search(r"certificate|Certificate", refused.stderr), refused.stderr
    assert site.proxy.inspected == []

    stranger.unlink()
    (certificates / "throwaway.crt").write_bytes(site.proxy.authority.pem)
    for own in HOST_CERTIFICATES.glob("*.crt"):
        shutil.copy(own, certificates)
    built = site.build("console")
    references = [site.reference(role) for role in ("console", "base")]
    try:
        assert built.returncode == 0, built.stderr
        yield references[0]
    finally:
        for reference in references:
            subprocess.run(["docker", "image", "rm", reference], capture_output=True, check=False)


def test_an_unchanged_build_makes_nothing(site: Site, console: str) -> None:
    before = len(site.proxy.inspected)

    again = site.build("console")

    assert again.returncode == 0
    assert again.stderr == "", "no image has a step to show"
    assert len(site.proxy.inspected) == before, "nothing is asked of any mirror"


def test_all_downloads_trust_the_sites_authority(site: Site, console: str) -> None:
    seen = site.proxy.inspected

    assert [path for path in seen if path.endswith(".deb")], "Debian's packages"
    assert [path for path in seen if path.endswith(".whl")], "Python's packages"


def test_maven_trusts_the_sites_authority(site: Site, console: str) -> None:
    done = site.run(sys.executable, "-c", MAVEN)

    assert done.returncode == 0, done.stderr
    assert [path for path in site.proxy.inspected if path.endswith("/slf4j-api-1.7.36.jar")]
    assert (site.checkout / "maven-trial" / "target" / "slf4j-api-1.7.36.jar").exists()


def test_what_runs_in_the_image_trusts_the_sites_authority(site: Site, console: str) -> None:
    fetched = harness.run_once(
        console,
        ["curl", "--silent", "--show-error", f"https://{inspecting_proxy.OWN_HOST}/"],
        environment={"https_proxy": site.proxy.url},
        network_mode="host",
    )

    assert fetched == inspecting_proxy.ANSWER


def test_no_password_of_the_site_is_in_an_image_or_a_log(site: Site, console: str) -> None:
    secret = inspecting_proxy.PASSWORD.encode()

    logs = b"".join(path.read_bytes() for path in (site.checkout / "build").rglob("*.log"))
    assert b"console" in logs
    assert secret not in logs
    history = subprocess.run(["docker", "history", "--no-trunc", console], capture_output=True, check=True)
    assert secret not in history.stdout
    with subprocess.Popen(["docker", "save", console], stdout=subprocess.PIPE) as saved:
        found = subprocess.run(
            ["grep", "--count", "--text", "--fixed-strings", inspecting_proxy.PASSWORD],
            stdin=saved.stdout,
            capture_output=True,
            text=True,
            check=False,
        )
    assert saved.returncode == 0
    assert found.stdout.strip() == "0"


def test_no_proxy_is_in_the_environment_of_an_image(site: Site, console: str) -> None:
    for reference in (console, site.reference("base")):
        told = subprocess.run(
            ["docker", "image", "inspect", "--format={{json .Config.Env}}", reference],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert "proxy" not in told.lower()


def test_everyone_may_read_what_a_checkout_of_a_strict_umask_brought_in(site: Site, console: str) -> None:
    modes = harness.run_once(console, ["find", "/opt/console", "-printf", "%y %m\n"])

    assert set(modes.splitlines()) == {"d 755", "f 644", "f 755"}


def test_what_was_built_is_noted_for_the_program(site: Site, console: str) -> None:
    noted = yaml.safe_load((site.checkout / ".site.yaml").read_text())

    assert noted["imageSource"] == "local"
    assert noted["images"]["console"] == console


def test_the_console_of_that_image_starts(site: Site, console: str) -> None:
    container = harness.client().containers.run(
        console,
        environment={
            "KAFKA_CLUSTERS_0_NAME": "dev",
            "KAFKA_CLUSTERS_0_BOOTSTRAPSERVERS": "no-such-host.invalid:9092",
        },
        detach=True,
    )
    try:
        harness.wait_for(lambda: "listening on port 8080" in container.logs().decode(), "the console listens")
    finally:
        container.remove(force=True, v=True)
