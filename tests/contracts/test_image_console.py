"""The contract of the UI's image: what the console shares with Kafka UI, and what breaking it looks like."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contracts.containers import LOCAL, Clause, Container, Lab, broken_together, image_in_use

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

HEALTH = "/actuator/health"
APP = "/opt/console/messaging/console"
NOWHERE = "no-such-host.invalid:9092"
"""The pages answer without a cluster, so the contract needs none."""


def environment(**changes: str) -> dict[str, str]:
    return {
        "KAFKA_CLUSTERS_0_NAME": "dev",
        "KAFKA_CLUSTERS_0_BOOTSTRAPSERVERS": NOWHERE,
        "KAFKA_CLUSTERS_0_SCHEMAREGISTRY": "http://no-such-host.invalid:8081",
        **changes,
    }


def start(lab: Lab, *, port: int = 8080, options: tuple[str, ...] = (), **changes: str) -> Container:
    """A console, waited for until it listens."""
    console = lab.start(env=environment(**changes), options=options)
    console.wait_until(
        lambda: "HTTP/1" in fetch(console, "/", port=port), seconds=30, what=f"it answers on {port}"
    )
    return console


def console_of(lab: Lab) -> Container:
    """The console that clauses share as long as they change nothing of it."""
    return lab.kept("console", lambda: start(lab))


def fetch(console: Container, path: str, *options: str, port: int = 8080) -> str:
    """A page as wget in the container gets it, its status and headers before it."""
    done = console.run("wget", "-q", "-S", "-O", "-", *options, f"http://127.0.0.1:{port}{path}")
    return done.stderr + done.stdout


def does_not_run_as_root(lab: Lab) -> None:
    assert console_of(lab).out("id", "-u") != "0"


def is_healthy_by_the_usual_check(lab: Lab) -> None:
    told = console_of(lab).run("wget", "-q", "-O", "-", f"http://127.0.0.1:8080{HEALTH}").stdout
    assert '"UP"' in told, f"told: {told}"


def listens_where_it_is_told(lab: Lab) -> None:
    console = start(lab, port=9090, SERVER_PORT="9090")
    assert '"UP"' in fetch(console, HEALTH, port=9090)


def moves_below_its_context_path(lab: Lab) -> None:
    console = start(lab, SERVER_SERVLET_CONTEXT_PATH="/kafka-ui")
    assert '"UP"' in fetch(console, f"/kafka-ui{HEALTH}")
    assert " 404 " in fetch(console, HEALTH)


def shows_every_cluster_of_its_environment(lab: Lab) -> None:
    console = start(lab, KAFKA_CLUSTERS_1_NAME="second", KAFKA_CLUSTERS_1_BOOTSTRAPSERVERS=NOWHERE)
    page = fetch(console, "/", "--content-on-error")
    assert "/clusters/dev" in page
    assert "/clusters/second" in page


def answers_while_its_cluster_does_not(lab: Lab) -> None:
    page = fetch(console_of(lab), "/clusters/dev", "--content-on-error")
    assert " 503 " in page
    assert f"bootstrap {NOWHERE}" in page


def refuses_what_is_no_read(lab: Lab) -> None:
    assert " 405 " in fetch(console_of(lab), "/clusters/dev/topics", "--post-data=name=x")


def forbids_scripts(lab: Lab) -> None:
    assert "Content-Security-Policy: default-src 'none'" in fetch(console_of(lab), "/")


def serves_metrics_of_lag(lab: Lab) -> None:
    assert 'console_cluster_up{cluster="dev"} 0' in fetch(console_of(lab), "/metrics")


def needs_no_writable_file_system(lab: Lab) -> None:
    console = start(lab, options=("--read-only",))
    assert '"UP"' in fetch(console, HEALTH)


def says_all_faults_at_once(lab: Lab) -> None:
    console = lab.start(env={"KAFKA_CLUSTERS_0_NAME": "a/b", "SERVER_PORT": "many"})
    assert console.exit_code() == 2
    for name in ("KAFKA_CLUSTERS_0_NAME", "KAFKA_CLUSTERS_0_BOOTSTRAPSERVERS", "SERVER_PORT"):
        assert name in console.logs(), f"told: {console.logs()}"


def stops_on_sigterm(lab: Lab) -> None:
    # The console's own answer, or the JVM's.
    assert start(lab).stop() in (0, 143)


def trusts_the_certificates_of_its_system(lab: Lab) -> None:
    count = "import os, ssl; c = ssl.create_default_context(cafile=os.environ['REQUESTS_CA_BUNDLE'])"
    assert int(console_of(lab).out("python3", "-c", f"{count}; print(len(c.get_ca_certs()))")) > 100


def _edit(module: str, expression: str) -> str:
    # Compiled files go by the time of their source, which a build may not change enough to notice.
    return f"RUN sed -i -E '{expression}' {APP}/{module} && find {APP} -name '*.pyc' -delete"


CLAUSES = [
    Clause(
        "kafka-ui: does not run as root",
        does_not_run_as_root,
        broken_by="USER 0",
        shows="'0' != '0'",
        alone=True,
    ),
    Clause(
        "kafka-ui: /actuator/health says UP",
        is_healthy_by_the_usual_check,
        broken_by=_edit("views.py", "s|/actuator/health|/health|"),
        shows="told: ",
    ),
    Clause(
        "kafka-ui: SERVER_PORT is the port",
        listens_where_it_is_told,
        broken_by=_edit("settings.py", 's/get."SERVER_PORT"./get("PORT")/'),
        shows="it answers on 9090",
        alone=True,
    ),
    Clause(
        "kafka-ui: SERVER_SERVLET_CONTEXT_PATH is before every path",
        moves_below_its_context_path,
        broken_by=_edit("settings.py", 's/"SERVER_SERVLET_CONTEXT_PATH", /"NOTHING", /'),
        shows="'\"UP\"' in",
    ),
    Clause(
        "kafka-ui: KAFKA_CLUSTERS_N_NAME and _BOOTSTRAPSERVERS are the clusters",
        shows_every_cluster_of_its_environment,
        broken_by=_edit("settings.py", r"s/setdefault.int.match.1..,/setdefault(0,/"),
        shows="'/clusters/(dev|second)' in",
        drop_in_only=True,
    ),
    Clause(
        "a page answers while its cluster does not, and names it",
        answers_while_its_cluster_does_not,
        broken_by=_edit("cluster.py", "s/bootstrap [{]/{/"),
        shows="bootstrap no-such-host",
        drop_in_only=True,
    ),
    Clause(
        "nothing but reads is answered",
        refuses_what_is_no_read,
        broken_by=_edit("app.py", 's/raise MethodNotAllowed.*/return "done"/'),
        shows="' 405 ' in",
        drop_in_only=True,
    ),
    Clause(
        "no page may run a script",
        forbids_scripts,
        broken_by=_edit("app.py", "s/app.after_request.*/pass/"),
        shows="Content-Security-Policy",
        drop_in_only=True,
    ),
    Clause(
        "/metrics tells which cluster is up",
        serves_metrics_of_lag,
        broken_by=_edit("metrics.py", "s/console_cluster_up/up/"),
        shows="console_cluster_up",
        drop_in_only=True,
    ),
    Clause(
        "nothing is written to its file system",
        needs_no_writable_file_system,
        broken_by=_edit("__main__.py", '1i open("/tmp/x", "w")'),
        shows="ended before",
        drop_in_only=True,
    ),
    Clause(
        "every fault of the environment is told at once",
        says_all_faults_at_once,
        broken_by=_edit("settings.py", "s/raise SettingsError.faults./raise SettingsError(faults[:1])/"),
        shows="told: ",
        drop_in_only=True,
    ),
    Clause(
        "SIGTERM ends it in order",
        stops_on_sigterm,
        broken_by="STOPSIGNAL SIGKILL",
        shows="137 in",
    ),
    Clause(
        "Python trusts what the system trusts",
        trusts_the_certificates_of_its_system,
        broken_by="RUN rm /etc/ssl/certs/ca-certificates.crt",
        shows="No such file",
        drop_in_only=True,
    ),
]
"""The contract. A clause of the public image begins with its name."""


@pytest.fixture(scope="module")
def source() -> str:
    """Where the image in use comes from."""
    return image_in_use("console", public="kafkaUi")[0]


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A lab for the image in use."""
    with Lab(image_in_use("console", public="kafkaUi")[1]) as lab:
        yield lab


@pytest.fixture(scope="module")
def broken(lab: Lab) -> Iterator[Lab]:
    """A lab for an image that breaks every clause that can be broken beside others."""
    with lab.variant(broken_together(CLAUSES)) as broken:
        yield broken


@pytest.mark.parametrize("clause", CLAUSES, ids=str)
def test_the_image_of_the_ui_keeps(clause: Clause, lab: Lab, source: str) -> None:
    if clause.drop_in_only and source != LOCAL:
        pytest.skip("goes beyond the public image")
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
