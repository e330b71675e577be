"""What tests of the Pulumi program share: a recording engine and a configuration that is gone afterwards."""

from __future__ import annotations

import asyncio
import json
import runpy
import signal
import sys
import warnings
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi
import pytest
from google.protobuf import empty_pb2, json_format
from hypothesis import settings as hypothesis_settings
from pulumi.runtime import mocks, rpc, stack
from pulumi.runtime.config import _SECRET_KEYS, CONFIG

from cluster_settings import Cluster, Java, Place
from levels import LEVELS
from messaging import ports
from messaging.naming import Owner
from settings import Images, LoadBalancer, Settings

with warnings.catch_warnings():
    # On Python 3.11 the package reads its message schemas by a call that only some versions deprecate.
    warnings.filterwarnings("ignore", "(read|open)_text is deprecated", DeprecationWarning)
    import kafka.protocol.admin
    import kafka.protocol.metadata  # noqa: F401 - imported here, they are not where warnings are errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# A busy machine makes examples slow; that is no fault of what they try.
hypothesis_settings.register_profile("project", deadline=None)
hypothesis_settings.load_profile("project")

PROJECT = Path(__file__).resolve().parents[1]
STACK_TYPE = "pulumi:pulumi:Stack"


@dataclass(frozen=True)
class Registered:
    """One resource as the program registered it."""

    type: str
    name: str
    parent: str
    """The parent's name; empty for the stack itself."""
    parent_type: str
    inputs: dict[str, Any]
    options: dict[str, Any]
    """The request itself: protect, dependencies, deletedWith and whatever else the engine would see."""
    custom: bool

    def depends_on(self) -> set[str]:
        """Names of what it depends on, its provider not among them."""
        return {urn.rpartition("::")[2] for urn in self.options.get("dependencies", [])}


@dataclass
class Engine(mocks.MockMonitor):
    """Answers as an engine whose every operation succeeds, and remembers what it was asked."""

    registered: list[Registered] = field(default_factory=list)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By the component's name; the stack's are under its own."""

    def __post_init__(self) -> None:
        super().__init__(_EchoingMocks())

    def of_type(self, token: str) -> list[Registered]:
        """All resources whose type ends so, such as ``container:Container``."""
        return [resource for resource in self.registered if resource.type.endswith(token)]

    def named(self, name: str) -> Registered:
        """The one resource with this name."""
        found = [
            resource for resource in self.registered if resource.name == name and resource.type != STACK_TYPE
        ]
        assert len(found) == 1, f"{len(found)} resources are named {name}"
        return found[0]

    def run(self, program: Callable[[], object]) -> None:
        """Runs a program to its end; errors inside any resource or apply are raised here."""

        def body() -> None:
            program()

        pulumi.runtime.test(body)()  # type: ignore[no-untyped-call]  # the SDK's decorator is untyped

    def run_project(self) -> None:
        """Runs the project's own program."""
        before = signal.getsignal(signal.SIGINT)
        try:
            self.run(lambda: runpy.run_path(str(PROJECT / "__main__.py"), run_name="__main__"))
        finally:
            signal.signal(signal.SIGINT, before)
        root = pulumi.runtime.get_root_resource()
        assert isinstance(root, stack.Stack)
        self.outputs[f"{pulumi.get_project()}-{pulumi.get_stack()}"] = dict(root.outputs)

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        *_, parent_type, parent = (request.parent or "::").split("::")
        self.registered.append(
            Registered(
                type=request.type,
                name=request.name,
                parent=parent,
                parent_type=parent_type.rpartition("$")[2],
                inputs=rpc.deserialize_properties(request.object),
                options=json_format.MessageToDict(request),
                custom=request.custom,
            )
        )
        # The mock makes an event loop in each of its threads and leaves it open.
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        try:
            return super().RegisterResource(request)  # type: ignore[no-untyped-call]  # the SDK's mock is untyped
        finally:
            asyncio.set_event_loop(None)
            loop.close()

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        self.outputs[request.urn.rpartition("::")[2]] = rpc.deserialize_properties(request.outputs)
        return empty_pb2.Empty()


class _EchoingMocks(mocks.Mocks):
    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        return (f"{args.name}-id", args.inputs) if args.custom else (None, args.inputs)

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], None]:
        raise AssertionError(f"the program called {args.token}, which no test expects")


@pytest.fixture
def configure() -> Iterator[Callable[[dict[str, str]], None]]:
    """Sets the stack's configuration, keys without a namespace being the project's; undone afterwards.

    A password is a secret unless its key ends in ``!``.
    """
    before = CONFIG.get(), _SECRET_KEYS.get()

    def set_config(values: dict[str, str]) -> None:
        full = {key if ":" in key else f"messaging:{key}": value for key, value in values.items()}
        CONFIG.set({key.removesuffix("!"): value for key, value in full.items()})
        _SECRET_KEYS.set({key for key in full if key.endswith("Password")})

    set_config({})
    yield set_config
    CONFIG.set(before[0])
    _SECRET_KEYS.set(before[1])


@pytest.fixture
def program(engine: Engine, configure: Callable[[dict[str, str]], None]) -> Engine:
    """The project's own program for the development stack, whatever this machine's site file says."""
    images = {"source": "local", "kafka": "i/kafka:1", "schemaRegistry": "i/registry:1", "console": "i/ui:1"}
    configure({"environment": "dev", "images": json.dumps(images)})
    engine.run_project()
    return engine


@pytest.fixture
def production(
    configure: Callable[[dict[str, str]], None], recording_engine: Callable[[str], Engine]
) -> Engine:
    """The project's own program for the production stack."""
    images = {"source": "local", "kafka": "i/kafka:1", "schemaRegistry": "i/registry:1", "console": "i/ui:1"}
    configure({"environment": "prod", "images": json.dumps(images | {"loadBalancer": "i/haproxy:1"})})
    engine = recording_engine("prod")
    engine.run_project()
    return engine


@pytest.fixture
def dev() -> Settings:
    """The development platform as it is without any configuration, on images built here."""
    return Settings(
        owner=Owner(project="messaging", stack="dev", instance=""),
        environment="dev",
        port_offset=0,
        images=Images(
            source="local",
            kafka="i/kafka:1",
            schema_registry="i/registry:1",
            ui="i/console:1",
            load_balancer="",
        ),
        advertised_host="localhost",
        bind_address="127.0.0.1",
        cluster=Cluster(
            level=LEVELS["dev"],
            kafka=Java(heap_mib=512, memory_mib=1024),
            dedicated=False,
            controller=Java(heap_mib=512, memory_mib=1024),
            places=places(1, racks=False),
            ready_timeout_seconds=180,
            kafka_settings={},
        ),
        roll_first="",
        load_balancer=None,
        schema_registry=Java(heap_mib=256, memory_mib=512),
        registry_access=None,
        ui_product="console",
        ui_memory_mib=128,
        docker_host=None,
        overrides={},
        free_disk_mib=2048,
    )


@pytest.fixture
def prod(dev: Settings) -> Settings:
    """The production platform as it is without any configuration, on images built here."""
    return replace(
        dev,
        owner=Owner(project="messaging", stack="prod", instance=""),
        environment="prod",
        images=replace(dev.images, load_balancer="i/haproxy:1"),
        cluster=replace(
            dev.cluster,
            level=LEVELS["prod"],
            kafka=Java(heap_mib=2048, memory_mib=3072),
            places=places(3, racks=True),
        ),
        load_balancer=LoadBalancer(mode="bootstrap", drain_seconds=30, memory_mib=256),
        free_disk_mib=10_240,
    )


def places(brokers: int, *, racks: bool) -> tuple[Place, ...]:
    """Where brokers are if a stack says nothing about it."""
    return tuple(
        Place(
            advertised_host="localhost",
            port=ports.broker(number),
            jmx_port=ports.jmx(number),
            rack=f"rack-{number}" if racks else "",
        )
        for number in range(1, brokers + 1)
    )


@pytest.fixture
def engine(recording_engine: Callable[[str], Engine]) -> Engine:
    """A fresh recording engine with an event loop of its own."""
    return recording_engine("dev")


@pytest.fixture
def recording_engine(configure: Callable[[dict[str, str]], None]) -> Iterator[Callable[[str], Engine]]:
    """Makes the one recording engine of a test, for a stack."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)

    def make(stack_name: str) -> Engine:
        recording = Engine()
        mocks.set_mocks(
            recording.mocks, project="messaging", stack=stack_name, preview=False, monitor=recording
        )
        # The stack itself is registered by now, also for a test that registers nothing else.
        loop.run_until_complete(stack.wait_for_rpcs())
        return recording

    yield make
    # A test that forgets this fixture must not run on what another one left behind.
    pulumi.runtime.settings.reset_options()
    loop.close()
    asyncio.set_event_loop(None)


@pytest.fixture(autouse=True)
def whole_tracebacks() -> Iterator[None]:
    """A provider that refuses shortens the tracebacks of its whole process, which others need in full."""
    yield
    sys.__dict__.pop("tracebacklimit", None)
