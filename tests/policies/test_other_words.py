"""What comes to the same by other words is judged the same; what only looks like it passes."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE

from tests.policies.judging import (
    BROKER,
    CONTAINER,
    SETTINGS,
    TOPIC,
    VOLUME,
    Stack,
    config,
    env,
    judged,
)

PLAIN = "node-settings-plain"


def given(**changed: Any) -> dict[str, Any]:
    """The broker with other properties."""
    return {**BROKER, **changed}


def said_of(*variables: str) -> dict[str, Any]:
    """The broker with more variables."""
    return given(envs=[*BROKER["envs"], *variables])


def started(*words: str) -> dict[str, Any]:
    """The broker with more arguments of its start command."""
    return given(command=[*BROKER["command"], *words])


# --- settings of a node ---


@pytest.mark.parametrize(
    ("rule", "name", "value", "says"),
    [
        ("broker-min-isr", "MIN_INSYNC_REPLICAS", "1", "min.insync.replicas 1"),
        ("broker-replication", "DEFAULT_REPLICATION_FACTOR", "1", "default.replication.factor 1"),
        ("unclean-election-off", "UNCLEAN_LEADER_ELECTION_ENABLE", "true", "enable true"),
        ("auto-creation-off", "AUTO_CREATE_TOPICS_ENABLE", "true", "enable true"),
        ("internal-topics", "OFFSETS_TOPIC_REPLICATION_FACTOR", "1", "offsets.topic.replication.factor 1"),
        ("topic-retention", "LOG_RETENTION_BYTES", "1", "log.retention.bytes 1"),
    ],
)
def test_a_setting_counts_as_the_images_count_it(rule: str, name: str, value: str, says: str) -> None:
    argument, small = f"KAFKA_{name}={value}", f"KAFKA_{name.lower()}={value}"

    assert any(says in said for said in judged(rule, CONTAINER, started(argument)))
    assert any(says in said for said in judged(rule, CONTAINER, said_of(small)))


def test_a_variable_that_is_taken_away_before_the_start_is_not_set() -> None:
    command = ["env", "--unset=KAFKA_MIN_INSYNC_REPLICAS", *BROKER["command"]]

    (said,) = judged("broker-min-isr", CONTAINER, given(command=command))

    assert "does not set min.insync.replicas" in said


def test_a_replacement_in_the_start_command_makes_good_what_the_environment_lacks() -> None:
    moved = env("KAFKA_MIN_INSYNC_REPLICAS", None) | {
        "command": [*BROKER["command"], "KAFKA_MIN_INSYNC_REPLICAS=2"]
    }
    assert judged("broker-min-isr", CONTAINER, moved) == []
    assert judged(PLAIN, CONTAINER, moved) == []


@pytest.mark.parametrize(
    ("props", "says"),
    [
        (said_of("KAFKA_min_insync_replicas=1"), "given KAFKA_min_insync_replicas; capitals"),
        (said_of("KAFKA_MIN.INSYNC.REPLICAS=1"), "given KAFKA_MIN.INSYNC.REPLICAS; capitals"),
        (started("KAFKA_zz=1"), "given KAFKA_zz; capitals"),
        (
            started("KAFKA_MIN_INSYNC_REPLICAS=2"),
            "min.insync.replicas as KAFKA_MIN_INSYNC_REPLICAS and as KAFKA_MIN_INSYNC_REPLICAS; once is",
        ),
        (
            said_of("KAFKA_Min_InSync_Replicas=2"),
            "min.insync.replicas as KAFKA_MIN_INSYNC_REPLICAS and as KAFKA_Min_InSync_Replicas; once is",
        ),
        (said_of("KAFKA_AUTO_CREATE_AA=x\\"), "single backslash or a line break in KAFKA_AUTO_CREATE_AA"),
        (said_of("KAFKA_ZZ=\\\\\\"), "single backslash or a line break in KAFKA_ZZ"),
        (said_of("KAFKA_ZZ=\\u0031"), "single backslash or a line break in KAFKA_ZZ"),
        (said_of("KAFKA_ZZ=x\runclean.leader.election.enable true"), "a line break in KAFKA_ZZ"),
        (started("KAFKA_ZZ=x\nunclean.leader.election.enable:true"), "a line break in KAFKA_ZZ"),
        (
            given(command=["sh", "-c", "KAFKA_ZZ=1 exec /etc/confluent/docker/run"]),
            "gets KAFKA_ZZ inside another word of its command; NAME=VALUE is allowed",
        ),
        (given(entrypoints=["env", "KAFKA_ZZ=1", "run"]), "gets KAFKA_ZZ inside another word"),
        (given(command=["env", "-u", "KAFKA_ZZ", *BROKER["command"]]), "gets KAFKA_ZZ inside another word"),
        (given(uploads=[{"file": "/mnt/shared/config/server.properties"}]), "at /mnt/shared/config/server"),
        (given(uploads=[{"file": "/etc//kafka/secrets/../kafka.properties"}]), "at /etc/kafka/kafka.prop"),
        (given(volumes=[{"volumeName": "mine", "containerPath": "/etc/confluent/docker/"}]), "docker; there"),
        (given(mounts=[{"source": "mine", "target": "/mnt", "type": "volume"}]), "an upload at /mnt;"),
    ],
)
def test_a_setting_that_reaches_a_node_by_another_way_is_a_violation(
    props: dict[str, Any], says: str
) -> None:
    said = judged(PLAIN, CONTAINER, props)

    assert any(says in message for message in said), said


def test_a_value_is_not_repeated_where_it_may_be_a_secret() -> None:
    (said,) = judged(PLAIN, CONTAINER, said_of("KAFKA_SASL_JAAS_CONFIG=a \\\n password=hunter2"))
    assert "hunter2" not in said


@pytest.mark.parametrize("value", ["a\\\\.b", "\\\\", "\\u00E4\\uD83D\\uDE00"])
def test_a_value_may_be_spelled_as_its_file_must_spell_it(value: str) -> None:
    assert judged(PLAIN, CONTAINER, said_of(f"KAFKA_ZZ={value}")) == []


def test_files_that_settings_name_may_be_uploaded_beside_them() -> None:
    files = [{"file": "/etc/kafka/secrets/keystore.p12"}, {"file": "/opt/exporter/config.yaml"}]
    command = ["env", "--unset=KAFKA_ADVERTISED_LISTENERS", *BROKER["command"]]
    assert judged(PLAIN, CONTAINER, given(uploads=files, command=command)) == []


def test_what_a_container_leaves_to_its_image_hides_no_node_from_the_stacks_rules() -> None:
    stack = Stack()
    stack.brokers(1)
    role = {"label": "com.iotplatform.messaging.role", "value": "load-balancer"}
    stack.add(CONTAINER, "registry", {"envs": ["A=1"], "command": UNKNOWN_STRING_VALUE})
    stack.add(CONTAINER, "balancer", {"envs": UNKNOWN_STRING_VALUE, "labels": [role]})

    (said,) = stack.judged("replication-fits-brokers")

    assert "The node kafka-1 has default.replication.factor 3" in said


@pytest.mark.parametrize("value", ["false", "FALSE", "False", " false "])
def test_false_is_false_as_kafka_reads_it(value: str) -> None:
    assert judged("auto-creation-off", CONTAINER, env("KAFKA_AUTO_CREATE_TOPICS_ENABLE", value)) == []
    assert judged("unclean-election-off", TOPIC, config("unclean.leader.election.enable", value)) == []


@pytest.mark.parametrize("value", ["no", "0", "off", "", "true"])
def test_nothing_else_is_false(value: str) -> None:
    unclean = "unclean.leader.election.enable"
    assert judged("auto-creation-off", CONTAINER, env("KAFKA_AUTO_CREATE_TOPICS_ENABLE", value))
    assert judged("unclean-election-off", CONTAINER, env("KAFKA_UNCLEAN_LEADER_ELECTION_ENABLE", value))
    assert judged("unclean-election-off", TOPIC, config(unclean, value))
    assert judged("unclean-election-off", SETTINGS, {"settings": {unclean: value}})


@pytest.mark.parametrize("cleanup", ["compact", "compact,delete", "delete, compact"])
def test_dead_letters_that_are_compacted(cleanup: str) -> None:
    stack = Stack()
    stack.stream("logs", missing=".dlq")
    kept = {"retention.ms": "2000", "cleanup.policy": cleanup}
    stack.add(TOPIC, "logs.dlq-topic", {"name": "logs.dlq", "replicationFactor": 3.0, "config": kept})

    (said,) = stack.judged("dead-letter-retention")

    assert "The dead letters logs.dlq have cleanup.policy compact" in said
    assert "only delete is allowed" in said


# --- containers ---


@pytest.mark.parametrize(
    ("rule", "changed", "says"),
    [
        ("grace-period", {"stopSignal": "SIGKILL"}, "kafka-1 is stopped by SIGKILL; only SIGTERM is allowed"),
        ("grace-period", {"stopSignal": "SIGINT"}, "stopped by SIGINT"),
        ("restart-policy", {"rm": True}, "kafka-1 has rm true; only false is allowed"),
        ("restart-policy", {"mustRun": False}, "mustRun false; only true is allowed"),
        ("restart-policy", {"start": False}, "start false; only true is allowed"),
    ],
)
def test_a_container_that_is_killed_or_does_not_stay(rule: str, changed: dict[str, Any], says: str) -> None:
    (said,) = judged(rule, CONTAINER, given(**changed))
    assert says in said


def test_what_says_what_holds_anyway_passes() -> None:
    assert judged("grace-period", CONTAINER, given(stopSignal="SIGTERM")) == []
    assert judged("restart-policy", CONTAINER, given(rm=False, mustRun=True, start=True)) == []


@pytest.mark.parametrize(
    "tests",
    [
        ["CMD-SHELL", "exit 0"],
        ["CMD-SHELL", ":"],
        ["CMD-SHELL", " /bin/true "],
        ["CMD-SHELL", "true && echo well"],
        ["CMD-SHELL", "ask localhost || true"],
        ["CMD-SHELL", "ask localhost; exit 0;"],
        ["CMD-SHELL", "ask localhost | true"],
        ["CMD-SHELL", ""],
        ["CMD", "true"],
        ["CMD", "echo", "well"],
        ["CMD", "bash", "-c", "exit 0"],
        ["CMD", "/bin/sh", "-ec", "ask localhost || :"],
        ["CMD", "bash", "-e", "-c", "echo asking; ask localhost || true; echo ok"],
        ["CMD-SHELL", "set -e; ask localhost && echo up; echo ok"],
        ["CMD-SHELL", "set -e; if ask localhost; then echo up; fi; echo ok"],
        ["CMD-SHELL", "if ! ask localhost; then echo down; fi; exit 0"],
        ["CMD-SHELL", "ask localhost || { echo down; exit 0; }; echo up"],
        ["CMD-SHELL", "ask localhost; echo ok"],
        ["CMD"],
    ],
    ids=" ".join,
)
def test_a_health_check_that_says_yes_to_everything(tests: list[str]) -> None:
    (said,) = judged("health-check", CONTAINER, given(healthcheck={"tests": tests}))
    assert "kafka-1 has a health check that says yes to everything" in said


def test_a_health_check_of_a_kind_that_docker_does_not_know_asks_nothing() -> None:
    (said,) = judged("health-check", CONTAINER, given(healthcheck={"tests": ["SHELL", "ask"]}))
    assert "its health check switched off" in said


@pytest.mark.parametrize(
    "tests",
    [
        ["CMD-SHELL", "true && ask localhost"],
        ["CMD-SHELL", "ask localhost || exit 1"],
        ["CMD-SHELL", "test $(echo x | ask) = 'exit 0'"],
        ["CMD-SHELL", "set -e; ask localhost; echo ok"],
        ["CMD-SHELL", "set -o errexit\nask localhost\necho ok"],
        ["CMD", "bash", "-ec", "ask localhost; echo ok"],
        ["CMD", "bash", "-e", "-o", "pipefail", "-c", "ask localhost | head; echo ok"],
        ["CMD-SHELL", "if ! ask localhost; then exit 1; fi; exit 0"],
        ["CMD-SHELL", "ask localhost || { echo down; exit 1; }; echo up"],
        ["CMD-SHELL", "ask localhost || exit $?; echo up"],
        ["CMD-SHELL", "ask localhost || exit; echo up"],
        ["CMD", "bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/9092 && printf x >&3 && [ $(head -c 1 <&3) = 1 ]"],
    ],
    ids=" ".join,
)
def test_a_health_check_that_can_fail_passes(tests: list[str]) -> None:
    assert judged("health-check", CONTAINER, given(healthcheck={"tests": tests})) == []


@pytest.mark.parametrize(
    ("times", "says"),
    [
        ({"interval": "8760h"}, "notices only after 94608090 s; at most 10 minutes"),
        ({"interval": "1m0s", "timeout": "5s", "retries": 12.0}, "notices only after 780 s"),
        ({"timeout": "1h0m0s"}, "notices only after 10890 s"),
        ({"retries": 1000.0}, "notices only after 60000 s"),
        ({"startPeriod": "8760h"}, "lets failures not count for 31536000 s; at most 60 minutes"),
    ],
)
def test_a_health_check_that_notices_too_late(times: dict[str, Any], says: str) -> None:
    (said,) = judged("health-check", CONTAINER, given(healthcheck={"tests": ["CMD", "ask"], **times}))
    assert says in said


def test_how_late_a_health_check_may_notice_comes_from_the_configuration() -> None:
    slow = given(
        healthcheck={"tests": ["CMD", "ask"], "interval": "5s", "timeout": "1m30.5s", "retries": 12.0}
    )
    assert judged("health-check", CONTAINER, slow)
    assert judged("health-check", CONTAINER, slow, given={"minutes": 20}) == []


# --- the host ---


@pytest.mark.parametrize(
    "changed",
    [
        {"volumes": [{"hostPath": "/var/run/docker.sock/"}]},
        {"volumes": [{"hostPath": "/var/run/../../"}]},
        {"volumes": [{"hostPath": "//run/./docker.sock"}]},
        {"volumes": [{"volumeName": "/var/run"}]},
        {"volumes": [{"hostPath": "/run/user/1000"}]},
        {"mounts": [{"source": "/run/containerd/", "type": "bind"}]},
        {"mounts": [{"source": "v", "volumeOptions": {"driverOptions": {"device": "/var/run/"}}}]},
    ],
)
def test_the_engines_socket_by_another_path(changed: dict[str, Any]) -> None:
    (said,) = judged("no-docker-socket", CONTAINER, given(**changed))
    assert "The container kafka-1 mounts " in said


def test_the_engines_socket_under_a_volumes_name() -> None:
    bound = {"type": "none", "o": "bind", "device": "/var/run"}
    (said,) = judged("no-docker-socket", VOLUME, {"name": "data", "driverOpts": bound})
    assert "The volume data mounts /var/run; whoever holds an engine's socket" in said


@pytest.mark.parametrize(
    "source", ["kafka-1-data", "/srv/run", "/var/lib/kafka", "/run/secrets", "/docker.socket"]
)
def test_other_folders_hold_no_socket(source: str) -> None:
    assert judged("no-docker-socket", CONTAINER, given(volumes=[{"hostPath": source}])) == []
    assert judged("no-docker-socket", VOLUME, {"name": "data", "driverOpts": {"device": source}}) == []


@pytest.mark.parametrize(
    "option", ["seccomp=unconfined", "apparmor:unconfined", "label=disable", "systempaths=Unconfined"]
)
def test_security_options_that_confine_nothing(option: str) -> None:
    (said,) = judged("no-privileged-container", CONTAINER, given(securityOpts=[option]))
    assert f"kafka-1 has the security option {option}" in said


def test_security_options_that_confine_more_pass() -> None:
    options = ["no-new-privileges:true", "apparmor=docker-default"]
    assert judged("no-privileged-container", CONTAINER, given(securityOpts=options)) == []
