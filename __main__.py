"""The messaging platform: settings to components to outputs."""

import signal
from pathlib import Path

import pulumi

import settings as configuration
from components import claims, platform
from components.docker_host import DockerHost, DockerHostArgs
from components.event_stream import EventStream, EventStreamArgs
from components.kafka_cluster import KafkaCluster, KafkaClusterArgs
from components.kafka_ui import KafkaUI
from components.schema_registry import SchemaRegistry
from components.service import ServiceArgs
from messaging import streams

# Python's own handler would show a traceback when the engine ends the program of a failed deployment.
signal.signal(signal.SIGINT, signal.SIG_DFL)

project = Path(__file__).resolve().parent
settings = configuration.load(project)
try:
    planned = platform.plan(settings, streams.load(project / "schemas"))
except streams.CatalogueError as error:
    raise pulumi.RunError(str(error)) from None
owner, level = settings.owner, settings.level

host = DockerHost("docker", DockerHostArgs(claim=claims.claim(planned, settings), network=planned.network))
on_host = pulumi.ResourceOptions(providers=[host.provider])
cluster = KafkaCluster(
    "kafka",
    KafkaClusterArgs(
        topology=planned.topology,
        blueprints=planned.brokers,
        owner=owner,
        image_source=settings.images.source,
        topics=planned.topics,
        replication_factor=level.replication_factor,
        ready_timeout_seconds=settings.ready_timeout_seconds,
        protect_data=level.protect_data,
        depends_on=[host.network],
    ),
    on_host,
)
running = [host.network, cluster.ready]
registry_args = ServiceArgs(
    blueprint=planned.schema_registry, owner=owner, url=planned.schema_registry_url, depends_on=running
)
registry = SchemaRegistry("schema-registry", registry_args, on_host)
ui_args = ServiceArgs(blueprint=planned.ui, owner=owner, url=planned.ui_url, depends_on=running)
KafkaUI("kafka-ui", ui_args, on_host)
for name, stream in planned.streams.items():
    EventStream(
        name,
        EventStreamArgs(
            topics=stream.topics,
            subjects=stream.subjects,
            replication_factor=level.replication_factor,
            registry_url=planned.schema_registry_url,
            registry=registry.container,
            identity=cluster.identity,
            protect_data=level.protect_data,
        ),
        pulumi.ResourceOptions(providers=[cluster.provider]),
    )

pulumi.export("bootstrapServers", ",".join(planned.topology.external_bootstrap))
pulumi.export("schemaRegistryUrl", planned.schema_registry_url)
pulumi.export("uiUrl", planned.ui_url)
pulumi.export("clusterId", planned.topology.cluster_id)
pulumi.export("topics", [topic.name for topic in planned.topics])
