"""The messaging platform: settings to components to outputs."""

import signal
from pathlib import Path

import pulumi

import settings as configuration
from components import platform, refusals, topology
from components.docker_host import DockerHost, DockerHostArgs
from components.kafka_cluster import KafkaCluster, KafkaClusterArgs
from components.kafka_ui import KafkaUI
from components.load_balancer import LoadBalancer, LoadBalancerArgs
from components.schema_registry import SchemaRegistry, SchemaRegistryArgs
from components.service import ServiceArgs
from components.stream_catalogue import StreamCatalogue, StreamCatalogueArgs
from messaging import catalogue

# Python's own handler would show a traceback when the engine ends the program of a failed deployment.
signal.signal(signal.SIGINT, signal.SIG_DFL)

project = Path(__file__).resolve().parent
settings = configuration.load(project)
try:
    entries = catalogue.load(project / "schemas", {settings.environment: settings.level.brokers})
except catalogue.CatalogueError as error:
    raise pulumi.RunError(str(error)) from None
planned = platform.plan(settings, entries)
owner, level = settings.owner, settings.level
refusals.before_an_update(planned.refusal)

schemas = settings.registry_access or configuration.RegistryAccess(url=planned.schema_registry_url)
streams = StreamCatalogue("streams", StreamCatalogueArgs(catalogue=entries, registry=schemas))
host = DockerHost("docker", DockerHostArgs.of(planned, settings))
on_host = pulumi.ResourceOptions(providers=[host.provider])
entry = [
    LoadBalancer("load-balancer", LoadBalancerArgs(planned=one, owner=owner, host=host), on_host).ready
    for one in planned.load_balancers
]
cluster = KafkaCluster(
    "kafka",
    KafkaClusterArgs(
        planned=planned,
        owner=owner,
        image_source=settings.images.source,
        docker_host=settings.docker_host or "",
        roll_first=settings.roll_first,
        ready_timeout_seconds=settings.cluster.ready_timeout_seconds,
        protect_data=level.protect_data,
        # In proxy mode, whoever waits for brokers reaches them through the load balancer alone.
        depends_on=[host.network, streams.checked, *(entry if topology.is_proxied(settings) else [])],
    ),
    on_host,
)
running = [host.network, *cluster.started]
registry_args = SchemaRegistryArgs(
    blueprints=planned.schema_registries,
    owner=owner,
    url=planned.schema_registry_url,
    docker_host=host.address,
    depends_on=running,
)
registry = SchemaRegistry("schema-registry", registry_args, on_host)
ui_args = ServiceArgs(blueprint=planned.ui, owner=owner, url=planned.ui_url, depends_on=running)
KafkaUI("kafka-ui", ui_args, on_host)
streams.make_streams(
    planned.streams, cluster, registry=[*registry.containers, *entry], protect_data=level.protect_data
)
refusals.end_of_program(planned.refusal, planned.outputs)
