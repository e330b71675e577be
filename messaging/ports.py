"""The ports of the host on which a platform is published, before its offset. Pure."""

from __future__ import annotations

FIRST_BROKER = 9092
LOAD_BALANCER = 9095
"""Where clients on the host begin if there is a load balancer; the fourth broker goes on behind it."""
FIRST_PROXIED = 9201
"""In proxy mode, the load balancer has a port for each broker, from here on."""
FIRST_JMX = 9101
FIRST_CONTROLLER_JMX = 9111
"""Of controllers that are no brokers."""
SCHEMA_REGISTRY = 8081
UI = 8080
STATISTICS = 8404
"""The load balancer's own page and metrics."""


def broker(number: int) -> int:
    """The port of the broker with this number, counted from 1, where clients reach it directly."""
    port = FIRST_BROKER + number - 1
    return port if port < LOAD_BALANCER else port + 1


def proxied(number: int) -> int:
    """The load balancer's port that leads to the broker with this number, counted from 1."""
    return FIRST_PROXIED + number - 1


def jmx(number: int) -> int:
    """Remote JMX of the broker with this number, counted from 1."""
    return FIRST_JMX + number - 1


def controller_jmx(number: int) -> int:
    """Remote JMX of the controller with this number, counted from 1, that is no broker."""
    return FIRST_CONTROLLER_JMX + number - 1
