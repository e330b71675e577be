"""The contract of the load balancer's image, whichever is in use, and what breaking it looks like."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from components.dynamic.haproxy import RELOAD
from tests.contracts.containers import LOCAL, Clause, Container, Lab, broken_together, image_in_use

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

PLACE = "/usr/local/etc/haproxy/haproxy.cfg"
ENTRY = "/usr/local/bin/docker-entrypoint.sh"
CONFIG = """\
global
  log stdout format raw local0
defaults
  mode http
  timeout connect 5s
  timeout client 5s
  timeout server 5s
frontend f
  bind :8404
  monitor-uri /healthz
  http-request use-service prometheus-exporter if { path /metrics }
  http-request return status 200 content-type text/plain string "VERSION"
"""


def put(config: str, path: str = PLACE) -> str:
    """A shell command that writes a configuration."""
    return f"echo {base64.b64encode(config.encode()).decode()} | base64 -d > {path}"


def start(lab: Lab, *, version: str = "one") -> Container:
    """A load balancer with a configuration in the usual place, waited for until it listens."""
    config = CONFIG.replace("VERSION", version)
    balancer = lab.start(
        "bash", "-c", f"{put(config)} && exec docker-entrypoint.sh haproxy -f {PLACE}",
        options=("--user=0", "--network=none"),
    )  # fmt: skip
    balancer.wait_until(lambda: balancer.listens(8404), seconds=20, what="it listens")
    return balancer


def balancer_of(lab: Lab) -> Container:
    """The load balancer that clauses share as long as they change nothing of it."""
    return lab.kept("balancer", lambda: start(lab))


def fetch(balancer: Container, path: str) -> str:
    script = f"exec 3<>/dev/tcp/127.0.0.1/8404 && printf 'GET {path} HTTP/1.0\\r\\n\\r\\n' >&3 && cat <&3"
    return balancer.run("bash", "-c", script).stdout


def runs_as_its_own_user(lab: Lab) -> None:
    assert lab.start("sleep", "60", options=("--network=none",)).out("id", "-u") == "99"


def has_bash_for_the_health_check(lab: Lab) -> None:
    assert " 200 " in fetch(balancer_of(lab), "/healthz")


def serves_metrics_for_prometheus(lab: Lab) -> None:
    assert "haproxy_process_uptime_seconds" in fetch(balancer_of(lab), "/metrics")


def judges_a_configuration(lab: Lab) -> None:
    balancer = balancer_of(lab)
    good = balancer.run("bash", "-c", f"{put(CONFIG, '/tmp/a.cfg')}; haproxy -c -f /tmp/a.cfg")
    bad = balancer.run("bash", "-c", f"{put('nonsense', '/tmp/b.cfg')}; haproxy -c -f /tmp/b.cfg")
    assert good.returncode == 0, good.stdout + good.stderr
    assert bad.returncode != 0


def reads_its_configuration_again_on_a_signal(lab: Lab) -> None:
    balancer = start(lab)
    balancer.run("bash", "-c", put(CONFIG.replace("VERSION", "two")), user="0")
    balancer.run("bash", "-c", RELOAD, user="0")
    balancer.wait_until(lambda: "two" in fetch(balancer, "/"), seconds=15, what="the second is in use")


def ends_softly_when_it_is_stopped(lab: Lab) -> None:
    assert (
        lab.start("sleep", "60", options=("--network=none",)).inspect()["Config"]["StopSignal"] == "SIGUSR1"
    )
    assert start(lab).stop() == 0


def takes_options_for_haproxys(lab: Lab) -> None:
    balancer = lab.start("-v", options=("--network=none",))
    assert balancer.exit_code() == 0
    assert "HAProxy version" in balancer.logs()


CLAUSES = [
    Clause(
        "runs as user 99", runs_as_its_own_user,
        broken_by="USER 0", shows="'0' == '99'", alone=True,
    ),
    Clause(
        "bash can ask for the health page", has_bash_for_the_health_check,
        broken_by="RUN rm /bin/bash", shows="bash", alone=True,
    ),
    Clause(
        "metrics for Prometheus are built in", serves_metrics_for_prometheus,
        broken_by=f"RUN sed -i '2i sed -i s/prometheus-exporter/stats/ {PLACE} 2>/dev/null' {ENTRY}",
        shows="it listens|ended before", alone=True,
    ),
    Clause(
        "a configuration can be judged without running it", judges_a_configuration,
        broken_by=(
            "RUN mv /usr/sbin/haproxy /usr/sbin/real && printf '#!/bin/sh\\n[ \"$1\" = -c ] && exit 0\\n"
            "exec /usr/sbin/real \"$@\"\\n' > /usr/sbin/haproxy && chmod +x /usr/sbin/haproxy"
        ),
        shows="0 != 0", alone=True,
    ),
    Clause(
        "SIGUSR2 makes it read its configuration again", reads_its_configuration_again_on_a_signal,
        broken_by=f"RUN sed -i 's/haproxy -W -db/haproxy -db/' {ENTRY}",
        shows="the second is in use",
    ),
    Clause(
        "it is stopped by SIGUSR1 and ends softly", ends_softly_when_it_is_stopped,
        broken_by="STOPSIGNAL SIGKILL", shows="SIGUSR1",
    ),
    Clause(
        "options alone are HAProxy's", takes_options_for_haproxys,
        broken_by=f"RUN sed -i 's/ -[*])/ --nothing)/' {ENTRY}", shows="exit|0",
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def source() -> str:
    """Where the image in use comes from."""
    return image_in_use("loadBalancer")[0]


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A lab for the image in use."""
    with Lab(image_in_use("loadBalancer")[1]) as lab:
        yield lab


@pytest.fixture(scope="module")
def broken(lab: Lab) -> Iterator[Lab]:
    """A lab for an image that breaks every clause that can be broken beside others."""
    with lab.variant(broken_together(CLAUSES)) as broken:
        yield broken


@pytest.mark.parametrize("clause", CLAUSES, ids=str)
def test_the_image_of_the_load_balancer_keeps(clause: Clause, lab: Lab) -> None:
    clause.check(lab)


@pytest.mark.parametrize("clause", CLAUSES, ids=str)
def test_a_variant_is_found_out_that_breaks(
    clause: Clause, lab: Lab, source: str, request: pytest.FixtureRequest
) -> None:
    if source != LOCAL:
        pytest.skip("the variants change the drop-in")
    if clause.alone:
        with lab.variant(clause.broken_by) as broken, pytest.raises(AssertionError, match=clause.shows):
            clause.check(broken)
    else:
        with pytest.raises(AssertionError, match=clause.shows):
            clause.check(request.getfixturevalue("broken"))
