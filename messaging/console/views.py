"""The pages: which address shows what, for people, and under ``/api`` for machines.

A view reads its parts and names its template; what the parts mean is decided by the modules that it calls.
Rendering, headers and the refusal of everything but GET and HEAD are the business of `app`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from flask import Blueprint, Response, abort, request, url_for

from messaging.console import dead_letters, groups, messages, metrics, overview, subjects, topics
from messaging.console.cluster import KafkaCluster
from messaging.console.model import ConfigEntry
from messaging.console.parts import Deadline, Gatherer, NotFoundError, Part, attempt
from messaging.console.registry import Registry

Crumb = tuple[str, str | None]


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A cluster of the console: its name, its Kafka, and its registry if it has one."""

    name: str
    kafka: KafkaCluster
    registry: Registry | None


@dataclass(frozen=True, kw_only=True)
class Page:
    """What a view gives: parts that were read, and values that were not.

    Attributes:
        template: File name of the page for people.
        title: What the page is about.
        parts: What was read, by name; in JSON the values have these names, and failures are under ``errors``.
        values: What the request said; in JSON under these names too.
        cluster: The cluster that the page belongs to, or None.
        section: The entry of the navigation that is lit.
        crumbs: The way to the page: label and address, None for the page itself.
    """

    template: str
    title: str
    parts: Mapping[str, Part[Any]]
    values: Mapping[str, Any] = field(default_factory=dict)
    cluster: Cluster | None = None
    section: str = ""
    crumbs: tuple[Crumb, ...] = ()

    @property
    def status(self) -> int:
        """404 if something that was asked for does not exist, 503 if nothing could be read, else 200."""
        parts = self.parts.values()
        if any(part.missing for part in parts):
            return 404
        return 503 if self.parts and all(part.error is not None for part in parts) else 200


Render = Callable[[Page], Response]


class Views:
    """The pages of `clusters`; `for_people` and `for_machines` turn a page into a response."""

    def __init__(self, clusters: tuple[Cluster, ...], for_people: Render, for_machines: Render) -> None:
        self._clusters = {cluster.name: cluster for cluster in clusters}
        self._for_people = for_people
        self._for_machines = for_machines
        self._gatherer = Gatherer()

    def register(self, blueprint: Blueprint) -> None:
        """Add every address to `blueprint`."""
        pages: dict[str, tuple[str, Callable[..., Page]]] = {
            "cluster": ("", self.cluster),
            "topics": ("/topics", self.topics),
            "topic": ("/topics/<name>", self.topic),
            "messages": ("/topics/<name>/messages", self.messages),
            "groups": ("/groups", self.groups),
            # Groups and subjects may have any character in their names, so these come as a parameter.
            "group": ("/group", self.group),
            "subjects": ("/subjects", self.subjects),
            "subject": ("/subject", self.subject),
            "dead_letters": ("/dead-letters", self.dead_letters),
            "dead_letter_queue": ("/dead-letters/<stream>/<error_class>", self.dead_letter_queue),
        }
        _add(blueprint, "/", "home", _rendered(self.home, self._for_people))
        _add(blueprint, "/api/clusters", "api_home", _rendered(self.home, self._for_machines))
        for endpoint, (path, view) in pages.items():
            address = f"/clusters/<cluster>{path}"
            read = self._of_cluster(view)
            _add(blueprint, address, endpoint, _rendered(read, self._for_people))
            _add(blueprint, f"/api{address}", f"api_{endpoint}", _rendered(read, self._for_machines))
        _add(blueprint, "/metrics", "metrics", self.metrics)
        _add(blueprint, "/actuator/health", "health", health)

    def home(self) -> Page:
        """Every cluster with the numbers that say whether it is well."""
        deadline = Deadline()
        readers: dict[str, Callable[[], Any]] = {
            name: partial(overview.overview, cluster.kafka, deadline)
            for name, cluster in self._clusters.items()
        }
        return Page(template="home.html", title="Clusters", parts=self._gatherer.gather(deadline, readers))

    def cluster(self, cluster: Cluster) -> Page:
        """Brokers, and what the cluster holds in numbers."""
        deadline = Deadline()
        readers: dict[str, Callable[[], Any]] = {
            "summary": lambda: overview.overview(cluster.kafka, deadline),
            "groups": lambda: groups.list_groups(cluster.kafka, deadline),
            "dead_letters": lambda: dead_letters.summarize(cluster.kafka, deadline),
        }
        if cluster.registry is not None:
            registry = cluster.registry
            readers["subjects"] = lambda: registry.subjects(deadline)
        parts = self._gatherer.gather(deadline, readers)
        return _cluster_page(cluster, "cluster", "Overview", parts)

    def topics(self, cluster: Cluster) -> Page:
        """The topics that fit a search, a page at a time."""
        deadline = Deadline()
        search = request.args.get("q", "").strip()
        internal = request.args.get("internal") == "1"
        number = _positive("page") or 1
        parts = self._gatherer.gather(
            deadline,
            {
                "topics": lambda: topics.list_topics(
                    cluster.kafka, search, number, deadline, internal=internal
                )
            },
        )
        return _cluster_page(cluster, "topics", "Topics", parts, values={"q": search, "internal": internal})

    def topic(self, cluster: Cluster, name: str) -> Page:
        """One topic: partitions, configuration, and the groups that read it."""
        deadline = Deadline()
        parts = self._gatherer.gather(
            deadline,
            {
                "topic": lambda: topics.detail(cluster.kafka, name, deadline),
                "configuration": lambda: _topic_configuration(cluster, name, deadline),
                "consumers": lambda: groups.consumers_of(groups.list_groups(cluster.kafka, deadline), name),
            },
        )
        return _cluster_page(
            cluster,
            "topic",
            name,
            parts,
            values={"name": name, "queue_of": dead_letters.stream_of(name)},
            section="topics",
            parents=(_crumb("Topics", "topics", cluster),),
        )

    def messages(self, cluster: Cluster, name: str) -> Page:
        """Messages of one topic, by the end of its partitions, by offset or by time."""
        deadline = Deadline()
        query = messages.query(request.args)
        parts = self._gatherer.gather(
            deadline,
            {
                "messages": lambda: _read(cluster, name, query, deadline),
                "topic": lambda: topics.find(cluster.kafka, name, deadline),
            },
        )
        return _cluster_page(
            cluster,
            "messages",
            f"Messages of {name}",
            parts,
            values={"name": name, "query": query, "time": request.args.get("time", "")},
            section="topics",
            parents=(_crumb("Topics", "topics", cluster), _crumb(name, "topic", cluster, name)),
            label="Messages",
        )

    def groups(self, cluster: Cluster) -> Page:
        """All consumer groups with their lag."""
        deadline = Deadline()
        parts = self._gatherer.gather(
            deadline, {"groups": lambda: groups.list_groups(cluster.kafka, deadline)}
        )
        return _cluster_page(cluster, "groups", "Consumer groups", parts)

    def group(self, cluster: Cluster) -> Page:
        """One consumer group: members, and lag in each partition."""
        deadline = Deadline()
        name = _required("id")
        parts = self._gatherer.gather(
            deadline, {"group": lambda: groups.detail(cluster.kafka, name, deadline)}
        )
        return _cluster_page(
            cluster,
            "group",
            name,
            parts,
            values={"id": name},
            section="groups",
            parents=(_crumb("Consumer groups", "groups", cluster),),
        )

    def subjects(self, cluster: Cluster) -> Page:
        """The subjects of the registry that fit a search."""
        deadline = Deadline()
        search = request.args.get("q", "").strip()
        parts = self._gatherer.gather(
            deadline, {"subjects": lambda: subjects.list_subjects(_registry(cluster), search, deadline)}
        )
        return _cluster_page(cluster, "subjects", "Schemas", parts, values={"q": search})

    def subject(self, cluster: Cluster) -> Page:
        """One subject: a version's schema, and what changed since another version."""
        deadline = Deadline()
        name = _required("name")
        version, against = _positive("version"), _positive("against")
        parts = self._gatherer.gather(
            deadline,
            {"subject": lambda: subjects.detail(_registry(cluster), name, version, against, deadline)},
        )
        return _cluster_page(
            cluster,
            "subject",
            name,
            parts,
            values={"name": name},
            section="subjects",
            parents=(_crumb("Schemas", "subjects", cluster),),
        )

    def dead_letters(self, cluster: Cluster) -> Page:
        """Every stream's four queues with counts and last arrivals."""
        deadline = Deadline()
        parts = self._gatherer.gather(
            deadline, {"dead_letters": lambda: dead_letters.summarize(cluster.kafka, deadline)}
        )
        return _cluster_page(cluster, "dead_letters", "Dead letters", parts)

    def dead_letter_queue(self, cluster: Cluster, stream: str, error_class: str) -> Page:
        """The newest messages of one queue, with what their headers say as columns."""
        deadline = Deadline()
        if error_class not in dead_letters.SUFFIXES:
            abort(
                404, f"there is no class {error_class!r}; the classes are {', '.join(dead_letters.SUFFIXES)}"
            )
        queue = dead_letters.queue_names(stream)[error_class]
        query = messages.query(request.args)
        parts = self._gatherer.gather(
            deadline, {"letters": lambda: dead_letters.letters(_read(cluster, queue, query, deadline))}
        )
        return _cluster_page(
            cluster,
            "dead_letter_queue",
            queue,
            parts,
            values={"stream": stream, "error_class": error_class, "queue": queue, "query": query},
            section="dead_letters",
            parents=(_crumb("Dead letters", "dead_letters", cluster),),
        )

    def metrics(self) -> Response:
        """Offsets and lag of all clusters for Prometheus."""
        deadline = Deadline()
        parts = self._gatherer.gather(
            deadline,
            {name: partial(_scrape, cluster, deadline) for name, cluster in self._clusters.items()},
        )
        scrapes = [part.value or metrics.Scrape(cluster=name) for name, part in parts.items()]
        return Response(metrics.render(scrapes), content_type=metrics.CONTENT_TYPE)

    def _of_cluster(self, view: Callable[..., Page]) -> Callable[..., Page]:
        def with_cluster(cluster: str, **arguments: str) -> Page:
            found = self._clusters.get(cluster)
            if found is None:
                abort(404, f"there is no cluster {cluster!r}; the clusters are {', '.join(self._clusters)}")
            return view(found, **arguments)

        return with_cluster


def health() -> Response:
    """That the console itself runs: a broker that is down must not get its console restarted."""
    return Response('{"status":"UP"}\n', content_type="application/json")


def _add(blueprint: Blueprint, address: str, endpoint: str, view: Callable[..., Response]) -> None:
    blueprint.add_url_rule(
        address, endpoint, view, methods=["GET"], provide_automatic_options=False, strict_slashes=False
    )


def _rendered(view: Callable[..., Page], render: Render) -> Callable[..., Response]:
    def response(**arguments: str) -> Response:
        return render(view(**arguments))

    return response


def _cluster_page(
    cluster: Cluster,
    endpoint: str,
    title: str,
    parts: Mapping[str, Part[Any]],
    *,
    values: Mapping[str, Any] | None = None,
    section: str | None = None,
    parents: tuple[Crumb, ...] = (),
    label: str | None = None,
) -> Page:
    """A page of `cluster`; `parents` lie between it and the cluster's own, `label` is its short title."""
    home: Crumb = (cluster.name, url_for(".cluster", cluster=cluster.name))
    return Page(
        template=f"{endpoint}.html",
        title=title,
        parts=parts,
        values=values or {},
        cluster=cluster,
        section=section or endpoint,
        crumbs=(home, *parents, (label or title, None)),
    )


def _crumb(label: str, endpoint: str, cluster: Cluster, name: str | None = None) -> Crumb:
    return label, url_for(f".{endpoint}", cluster=cluster.name, name=name)


def _read(cluster: Cluster, topic: str, query: messages.Query, deadline: Deadline) -> messages.Messages:
    found = topics.find(cluster.kafka, topic, deadline)
    return messages.read(cluster.kafka, cluster.registry, found, query, deadline)


def _topic_configuration(cluster: Cluster, topic: str, deadline: Deadline) -> tuple[ConfigEntry, ...]:
    topics.find(cluster.kafka, topic, deadline)
    return topics.configuration(cluster.kafka, topic, deadline)


def _scrape(cluster: Cluster, deadline: Deadline) -> metrics.Scrape:
    metadata = cluster.kafka.metadata(deadline)
    places = [place for topic in metadata.topics.values() for place in topic.places]
    watermarks, _ = attempt(lambda: cluster.kafka.watermarks(places, deadline))
    listed, _ = attempt(lambda: groups.list_groups(cluster.kafka, deadline))
    return metrics.Scrape(
        cluster=cluster.name, metadata=metadata, watermarks=watermarks, groups=listed.rows if listed else ()
    )


def _registry(cluster: Cluster) -> Registry:
    if cluster.registry is None:
        raise NotFoundError(
            f"cluster {cluster.name} has no Schema Registry: KAFKA_CLUSTERS_<n>_SCHEMAREGISTRY names it"
        )
    return cluster.registry


def _required(name: str) -> str:
    value = request.args.get(name)
    if value is None:
        raise messages.QueryError([f"{name} is missing"])
    return value


def _positive(name: str) -> int | None:
    faults: list[str] = []
    number = messages.number(name, request.args, faults, least=1, most=2**31 - 1)
    if faults:
        raise messages.QueryError(faults)
    return number
