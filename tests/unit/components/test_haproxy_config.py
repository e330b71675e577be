"""What the load balancer is told. That HAProxy takes it and does it is shown by the tests on a real one."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from components import haproxy_config
from components.haproxy_config import Backend, render

BACKEND = Backend(
    brokers=("kafka-1", "kafka-2", "kafka-3"),
    proxied=(),
    registries=("registry-1", "registry-2"),
    registry_port=8081,
    drain_seconds=45,
    open_files=16_384,
)


def section(text: str, name: str) -> str:
    """One section's lines, its own head included."""
    match = re.search(rf"^(?:frontend|backend|listen) {name}\n(?:^ .*\n)*", text, re.MULTILINE)
    assert match, f"there is no section {name}"
    return match[0]


def test_each_kind_of_client_is_led_to_the_listener_whose_addresses_it_can_reach() -> None:
    text = render(BACKEND).text

    assert "bind :9095\n" in section(text, "bootstrap-inside")
    assert re.findall(r"server (\S+) (\S+)", section(text, "brokers-inside"))[0] == (
        "kafka-1",
        "kafka-1:9092",
    )
    assert "bind :19095\n" in section(text, "bootstrap-outside")
    assert len(re.findall(r"server kafka-\d kafka-\d:19092 check", section(text, "brokers-outside"))) == 3


def test_a_broker_is_asked_for_its_versions_before_it_gets_clients() -> None:
    """Four bytes of length 10, request 18 version 0, correlation id 1; the answer repeats the id."""
    text = render(BACKEND).text

    for name in ("brokers-inside", "brokers-outside"):
        assert "tcp-check send-binary 0000000a0012000000000001ffff" in section(text, name)
        assert "tcp-check expect binary 000000010000" in section(text, name)


def test_one_registry_serves_and_the_other_waits() -> None:
    servers = re.findall(r"^  server .*", section(render(BACKEND).text, "registries"), re.MULTILINE)

    assert [server.endswith(" backup") for server in servers] == [False, True]


def test_without_the_proxy_mode_no_broker_has_a_port_of_its_own() -> None:
    assert "listen " not in render(BACKEND).text


def test_in_proxy_mode_each_broker_has_a_port_that_leads_to_it_alone() -> None:
    text = render(replace(BACKEND, proxied=(9201, 9202, 9203))).text

    for number in (1, 2, 3):
        own = section(text, f"kafka-{number}")
        assert f"bind :920{number}\n" in own
        assert re.findall(r"server \S+ (\S+)", own) == [f"kafka-{number}:19092"]


def test_a_broker_without_a_port_in_proxy_mode_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="shorter"):
        render(replace(BACKEND, proxied=(9201,)))


def test_idle_connections_outlive_the_brokers_own_limit() -> None:
    text = render(BACKEND).text

    for side in ("client", "server"):
        hours = re.search(rf"^  timeout {side} +(\d+)h$", text, re.MULTILINE)
        assert hours
        assert int(hours[1]) * 3600 > 600, "brokers close after 10 minutes"


def test_old_connections_end_after_the_stated_time() -> None:
    assert "hard-stop-after 45s" in render(BACKEND).text


def test_nothing_breaks_in_a_container() -> None:
    text = render(BACKEND).text

    assert text.endswith("\n")
    assert not re.search(r"^\s*(user|group|chroot|daemon|stats socket)\b", text, re.MULTILINE)
    assert "resolvers docker" in text
    assert "nameserver engine 127.0.0.11:53" in text


def test_the_version_says_which_configuration_it_is() -> None:
    config = render(BACKEND)
    other = render(replace(BACKEND, drain_seconds=46))

    assert f'string "{config.version}" if {{ path {haproxy_config.VERSION_PATH} }}' in config.text
    assert render(BACKEND) == config
    assert other.version != config.version


def test_connections_fit_into_the_limit_of_open_files() -> None:
    text = render(replace(BACKEND, open_files=4_096)).text

    connections = re.search(r"maxconn (\d+)", text)
    assert connections
    assert int(connections[1]) * 2 < 4_096
