"""Typed settings of one stack: its configuration, then the site's own file, then the environment's defaults.

Everything that can be wrong is found here, all of it at once, before any resource exists. What the settings
mean for containers and topics is decided by the pure modules under ``components``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pulumi
import yaml
from pulumi.runtime.config import CONFIG, get_config_env, is_config_secret

import cluster_settings
from cluster_settings import BOOTSTRAP, HOST, HOST_SAYS, IP, PROXY, Cluster, Java, Published, is_loopback
from levels import LEVELS, Level
from messaging.documents import DocumentError, read_json, read_yaml
from messaging.fields import Fault, Fields
from messaging.naming import INSTANCE_RULE, Owner

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SITE_FILE = ".site.yaml"
"""What this machine decided; written by ``make``, not in git."""
PINS_FILE = "images/registry.yaml"
"""The public images, by role."""

LOCAL, REGISTRY = "local", "registry"
CONSOLE, KAFKA_UI = "console", "kafka-ui"
_UI_MEMORY = {CONSOLE: ("128m", 64), KAFKA_UI: ("512m", 256)}
"""What each has, and at least needs in MiB: the console takes 32 before anybody asks, the other is a JVM."""
_LEAST_BALANCER_MIB = 32
_LONGEST_DRAIN_SECONDS = 24 * 86_400
"""HAProxy counts milliseconds in 31 bits: 24.8 days."""

HIGHEST_PORT_OFFSET = 50_000
"""The published ports begin below 10,000; with this offset all of them are still ports."""

_SECTIONS = ("images", "listeners", "cluster", "loadBalancer", "schemaRegistry", "ui", "docker", "overrides")
_REGISTRY_PASSWORD = "schemaRegistryPassword"  # noqa: S105 - the name of the key
_IMAGE_ROLES = ("kafka", "schemaRegistry", "kafkaUi", "console", "loadBalancer")
_REFERENCE = re.compile(
    r"(?!.*:latest$)[a-z0-9][a-z0-9._/:-]*[a-z0-9](:[\w][\w.-]*(@sha256:[0-9a-f]{64})?|@sha256:[0-9a-f]{64})"
)
_REFERENCE_SAYS = "an image with a fixed tag or digest, such as example/kafka:4.1.2"
_CONTAINER = re.compile(r"[a-z][a-z0-9-]*[a-z0-9]")
_URL = re.compile(r"https?://[^\s/@]+(/\S*)?")
_PORT = r"(6553[0-5]|655[0-2]\d|65[0-4]\d\d|6[0-4]\d{3}|[1-5]\d{4}|[1-9]\d{0,3})"
# Over SSH, the Docker client would need another library; a tunnel of its own does without.
_DOCKER_HOST = re.compile(
    rf"unix:///\S+|npipe://\S+|(tcp|https?)://([\w.-]+|\[[\da-fA-F:]+\]):{_PORT}(/\S*)?", re.ASCII
)
_DOCKER_HOST_SAYS = "an address: tcp://HOST:PORT, where an SSH tunnel may end, or a socket such as unix:///var/run/docker.sock"


class SettingsError(pulumi.RunError):
    """The settings cannot be used. The message lists every fault and shows what to write where."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RegistryAccess:
    """Where a Schema Registry is, and who asks it."""

    url: str
    """As reached from where Pulumi runs."""
    user: str | None = None
    """For basic authentication; None where anybody may ask."""
    password: str = field(default="", repr=False)

    def to_inputs(self) -> dict[str, Any]:
        """The access as inputs of a resource."""
        inputs: dict[str, Any] = {"registryUrl": self.url}
        if self.user is not None:
            inputs |= {"registryUser": self.user, "registryPassword": pulumi.Output.secret(self.password)}
        return inputs


@dataclass(frozen=True, kw_only=True, slots=True)
class Images:
    """Which images run, as complete references."""

    source: str
    """:data:`LOCAL` or :data:`REGISTRY`."""
    kafka: str
    schema_registry: str
    ui: str
    load_balancer: str
    """Empty for a platform without one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadBalancer:
    """What stands before brokers and Schema Registries."""

    mode: str
    """:data:`~cluster_settings.BOOTSTRAP`: clients get the brokers' own addresses from it.
    :data:`~cluster_settings.PROXY`: everything that they send and receive goes through it.
    """
    drain_seconds: int
    """How long connections of an earlier configuration may go on."""
    memory_mib: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Everything that a stack may decide."""

    owner: Owner
    environment: str
    """A key of :data:`LEVELS`."""
    port_offset: int
    """Added to every published port."""
    images: Images
    advertised_host: str
    """The host name under which clients outside the Docker network reach the published ports."""
    bind_address: str
    """The host's address that published ports listen on."""
    cluster: Cluster
    roll_first: str
    """The Kafka node that is replaced before all others; empty for their usual order."""
    load_balancer: LoadBalancer | None
    schema_registry: Java
    registry_access: RegistryAccess | None
    """Where schemas are registered; None for the stack's own registry."""
    ui_product: str
    """:data:`CONSOLE` or :data:`KAFKA_UI`."""
    ui_memory_mib: int
    docker_host: str | None
    """The Docker engine's address; None for what the environment says."""
    overrides: Mapping[str, str]
    """By change that would otherwise be refused: the reason, and who approved it."""
    free_disk_mib: int
    """What must be free where Docker keeps its data before a volume is made."""

    @property
    def level(self) -> Level:
        """The environment's, with what the stack says otherwise."""
        return self.cluster.level


def load(root: Path) -> Settings:
    """The settings of the stack that is being deployed.

    Args:
        root: the project's folder, with the site's file and the pins of the public images.

    Raises:
        SettingsError: anything in the configuration, the site's file or the pins is wrong.
    """
    owner_parts = pulumi.get_project(), pulumi.get_stack()
    config = pulumi.Config()
    values = _configuration(config)
    reading = _Reading(values, root, stack=owner_parts[1])
    if _REGISTRY_PASSWORD in values and not is_config_secret(f"{config.name}:{_REGISTRY_PASSWORD}"):
        reading.note_plain_text(_REGISTRY_PASSWORD)
    settings = reading.settings(*owner_parts)
    reading.raise_faults()
    if told := cluster_settings.accepted(settings.level, settings.overrides):
        pulumi.info(told)
    return settings


def _configuration(config: pulumi.Config) -> dict[str, object]:
    """The project's configuration by key, structured values decoded."""
    prefix = f"{config.name}:"
    # pulumi.Config reads keys that it is asked for; unknown ones can only be found by looking at all.
    names = [
        key.removeprefix(prefix) for key in {**get_config_env(), **CONFIG.get()} if key.startswith(prefix)
    ]
    values: dict[str, object] = {}
    for name in sorted(names):
        text = config.get(name)
        if text is None or (text == "" and name != "environment"):
            continue
        values[name] = text
        if name in _SECTIONS:
            try:
                values[name] = read_json(text)
            except DocumentError:
                continue
    return values


class _Reading:
    """One pass over the sources of settings, which collects the faults of each."""

    def __init__(self, values: dict[str, object], root: Path, *, stack: str) -> None:
        self._stack_file = f"Pulumi.{stack}.yaml"
        self._root = root
        self._faults: dict[str, list[Fault]] = {self._stack_file: [], SITE_FILE: [], PINS_FILE: []}
        for name in [name for name in values if name.partition(".")[0] in _SECTIONS and "." in name]:
            problem = (
                f"is not known. To set one key inside: pulumi config set --path 'messaging:{name}' VALUE"
            )
            self._faults[self._stack_file].append(Fault((name,), problem))
            del values[name]
        self._config = Fields(values, self._faults[self._stack_file])
        self._site = Fields(self._document(SITE_FILE), self._faults[SITE_FILE])

    def note_plain_text(self, name: str) -> None:
        """Notes a secret that stands in the stack's file for everybody to read."""
        problem = f"is not encrypted. Choose another one and run: pulumi config set --secret messaging:{name}"
        self._faults[self._stack_file].append(Fault((name,), problem))

    def settings(self, project: str, stack: str) -> Settings:
        config = self._config
        environment = config.choice("environment", tuple(LEVELS))
        level = LEVELS[environment]
        instance = config.text(
            "instance", "", rule=INSTANCE_RULE, says="a short lower-case word, such as team-a"
        )
        offset = config.whole("portOffset", 0, least=0, most=HIGHEST_PORT_OFFSET)
        images = config.section("images")
        source = self._source(images)
        ui = config.section("ui")
        product = ui.choice("product", (KAFKA_UI, CONSOLE), CONSOLE if source == LOCAL else KAFKA_UI)
        ui_memory = cluster_settings.size(ui, "memory", *_UI_MEMORY[product])
        ui.done()
        advertised, bind = self._listeners()
        balancer = self._load_balancer(level)
        overrides = _overrides(config.section("overrides"))
        mode = balancer.mode if balancer else ""
        published = Published(host=advertised, bind=bind, mode=mode, offset=offset)
        cluster = cluster_settings.read(config.section("cluster"), level, published, overrides)
        registry_fields = config.section("schemaRegistry")
        registry = cluster_settings.java(registry_fields, "256m", "512m")
        access = _registry_access(config, registry_fields)
        registry_fields.done()
        roll_first = config.text("rollFirst", "", rule=_CONTAINER, says="a Kafka node, such as kafka-1")
        docker = config.section("docker")
        docker_host = docker.text("host", "", rule=_DOCKER_HOST, says=_DOCKER_HOST_SAYS)
        free_disk = docker.size_mib("freeDisk", level.free_disk)
        docker.done()
        config.done()
        chosen = self._images(images, source, product, balanced=balancer is not None)
        self._site.done()
        return Settings(
            owner=Owner(project=project, stack=stack, instance=instance),
            environment=environment,
            port_offset=offset,
            images=chosen,
            advertised_host=advertised,
            bind_address=bind,
            cluster=cluster,
            roll_first=roll_first,
            load_balancer=balancer,
            schema_registry=registry,
            registry_access=access,
            ui_product=product,
            ui_memory_mib=ui_memory,
            docker_host=docker_host or None,
            overrides=overrides,
            free_disk_mib=free_disk,
        )

    def raise_faults(self) -> None:
        """Ends the program with all faults, if there are any."""
        wrong = {file: faults for file, faults in self._faults.items() if faults}
        if wrong:
            raise SettingsError("\n\n".join(self._told(file, faults) for file, faults in wrong.items()))

    def _source(self, section: Fields) -> str:
        site_source = self._site.choice("imageSource", (LOCAL, REGISTRY), REGISTRY)
        return section.choice("source", (LOCAL, REGISTRY), site_source)

    def _load_balancer(self, level: Level) -> LoadBalancer | None:
        section = self._config.section("loadBalancer")
        if not level.load_balancer:
            section.done()
            return None
        balancer = LoadBalancer(
            mode=section.choice("mode", (BOOTSTRAP, PROXY), BOOTSTRAP),
            drain_seconds=section.duration_ms("drain", "30s") // 1000,
            memory_mib=cluster_settings.size(section, "memory", "256m", _LEAST_BALANCER_MIB),
        )
        section.done()
        if balancer.drain_seconds > _LONGEST_DRAIN_SECONDS:
            section.fault("drain", "is longer than the load balancer counts. At most 24d here", "24d")
        return balancer

    def _images(self, section: Fields, source: str, product: str, *, balanced: bool) -> Images:
        """The images of the roles that this stack has: named by the stack, else those of the source."""
        site_images = self._site.section("images")
        built = {role: _reference(site_images, role) for role in _IMAGE_ROLES if role != "kafkaUi"}
        site_images.done()
        offered = built if source == LOCAL else self._pins()
        chosen = {role: _reference(section, role) or offered.get(role, "") for role in _IMAGE_ROLES}
        section.done()
        ui_role = "console" if product == CONSOLE else "kafkaUi"
        for role in ("kafka", "schemaRegistry", ui_role, *(["loadBalancer"] if balanced else [])):
            if not chosen[role]:
                section.fault(role, _no_image(role, source), "example/image:1.0")
        return Images(
            source=source,
            kafka=chosen["kafka"],
            schema_registry=chosen["schemaRegistry"],
            ui=chosen[ui_role],
            load_balancer=chosen["loadBalancer"] if balanced else "",
        )

    def _pins(self) -> dict[str, str]:
        pins = Fields(self._document(PINS_FILE, required=True), self._faults[PINS_FILE])
        return {role: _reference(pins, role) for role in pins.names() if role in _IMAGE_ROLES}

    def _listeners(self) -> tuple[str, str]:
        section = self._config.section("listeners")
        site_host = self._site.text("advertisedHost", "localhost", rule=HOST, says=HOST_SAYS)
        advertised = section.text("advertisedHost", site_host, rule=HOST, says=HOST_SAYS)
        bind = section.text(
            "bindAddress", "127.0.0.1", rule=IP, says="an address of the host, such as 0.0.0.0"
        )
        section.done()
        if is_loopback(bind) and not is_loopback(advertised):
            problem = (
                f"is {bind}, where nobody reaches the advertised host {advertised}. Name one that is reached"
            )
            section.fault("bindAddress", problem, "0.0.0.0")  # noqa: S104 - an example that the fault explains
        return advertised, bind

    def _document(self, file: str, *, required: bool = False) -> object:
        path = self._root / file
        if not path.exists() and not required:
            return None
        try:
            return read_yaml(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, DocumentError) as error:
            self._faults[file].append(Fault((), f"cannot be read: {error}"))
            return None

    def _told(self, file: str, faults: list[Fault]) -> str:
        prefix = "messaging:" if file == self._stack_file else ""
        lines = [f"{file} has {'1 fault' if len(faults) == 1 else f'{len(faults)} faults'}:"]
        lines += [
            f"  - {prefix + '.'.join(fault.path) if fault.path else 'the file'} {fault.problem}."
            for fault in faults
        ]
        example: dict[str, Any] = {}
        for fault in faults:
            if fault.example is not None and fault.path:
                _put(example, (prefix + fault.path[0], *fault.path[1:]), fault.example)
        if example:
            text = yaml.safe_dump({"config": example} if prefix else example, sort_keys=False)
            lines += [f"For instance, in {file}:", *(f"  {line}" for line in text.splitlines())]
        return "\n".join(lines)


def _overrides(section: Fields) -> dict[str, str]:
    """Why each change is made that would otherwise be refused."""
    found = {}
    for change in section.names():
        entry = section.section(change)
        reason = entry.text(
            "reason", says="why this one change is right, such as the stream holds no data yet"
        )
        approved = entry.text("approvedBy", says="who says so, such as Ada Lovelace")
        entry.done()
        found[change] = f"{reason} (approved by {approved})"
    return found


def _reference(fields: Fields, role: str) -> str:
    return fields.text(role, "", rule=_REFERENCE, says=_REFERENCE_SAYS)


def _no_image(role: str, source: str) -> str:
    if source == REGISTRY:
        return f"is missing, and {PINS_FILE} has no public image for it"
    if role == "kafkaUi":
        return "is missing: Kafka UI is not built here. Name an image of it, or set ui.product to console"
    return f"is missing: images are local, but {SITE_FILE} names none. Run `make images`, or name one"


def _registry_access(config: Fields, fields: Fields) -> RegistryAccess | None:
    """A registry elsewhere, with its password as the secret that it is in the configuration."""
    url = fields.text("url", "", rule=_URL, says="an address such as https://registry.example.org/api")
    user = fields.text("user", "")
    password = config.text(_REGISTRY_PASSWORD, "")
    if user and not url:
        fields.fault("user", "is given, but the stack's own registry asks nobody. Name another in url")
    if bool(user) != bool(password):
        problem = f"and the secret {_REGISTRY_PASSWORD} belong together, and one of them is missing"
        fields.fault("user", problem)
    if not url:
        return None
    return RegistryAccess(url=url, user=user or None, password=password)


def _put(example: dict[str, Any], path: tuple[str, ...], value: object) -> None:
    *above, last = path
    for key in above:
        example = example.setdefault(key, {})
    example.setdefault(last, value)
