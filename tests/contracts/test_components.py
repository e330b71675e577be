"""What holds for every resource of the program, whichever component made it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from messaging.naming import LABEL_PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Engine

PROJECT = Path(__file__).resolve().parents[2]
STACK_TYPE = "pulumi:pulumi:Stack"
DOCKER_KINDS = ("container:Container", "network:Network", "volume:Volume")


def labels(resource_inputs: dict[str, object]) -> dict[str, str]:
    listed = resource_inputs["labels"]
    assert isinstance(listed, list)
    return {label["label"]: label["value"] for label in listed}


def test_every_resource_has_a_component_or_the_stack_for_its_parent(program: Engine) -> None:
    for resource in program.registered:
        if resource.type == STACK_TYPE:
            continue
        assert resource.parent, resource.name
        if resource.custom:
            assert resource.parent_type.startswith("messaging:index:"), f"{resource.name} hangs on the stack"


def test_every_child_is_called_after_what_it_belongs_to(program: Engine) -> None:
    for resource in program.registered:
        if resource.custom and resource.type != STACK_TYPE:
            assert resource.name.startswith(resource.parent), f"{resource.name} below {resource.parent}"


def test_no_name_says_which_stack_it_is(program: Engine) -> None:
    named = [resource.name for resource in program.registered if resource.type != STACK_TYPE]

    assert not [name for name in named if name == "dev" or "-dev" in name or "dev-" in name.split("-")[0]]


def test_every_component_registers_outputs(program: Engine) -> None:
    components = {resource.name for resource in program.registered if not resource.custom}

    assert components <= set(program.outputs) | {"messaging-dev"}
    assert all(program.outputs[name] for name in components if name != "messaging-dev")


def test_every_docker_object_carries_the_labels_of_its_owner(program: Engine) -> None:
    objects = [resource for kind in DOCKER_KINDS for resource in program.of_type(kind)]

    assert len(objects) == 5
    for resource in objects:
        found = labels(resource.inputs)
        assert found[f"{LABEL_PREFIX}.project"] == "messaging"
        assert found[f"{LABEL_PREFIX}.stack"] == "dev"
        assert found[f"{LABEL_PREFIX}.instance"] == ""
        assert found[f"{LABEL_PREFIX}.role"]


def test_every_container_says_what_it_was_built_from(program: Engine) -> None:
    for container in program.of_type("container:Container"):
        assert len(labels(container.inputs)[f"{LABEL_PREFIX}.built-from"]) == 16


def test_every_container_is_limited_watched_and_given_time_to_stop(program: Engine) -> None:
    for container in program.of_type("container:Container"):
        inputs = container.inputs
        assert inputs["memory"] == inputs["memorySwap"] > 0
        assert inputs["healthcheck"]["tests"]
        assert inputs["destroyGraceSeconds"] == inputs["stopTimeout"] == 60
        assert inputs["restart"] == "unless-stopped"
        assert inputs["logOpts"] == {"max-size": "20m", "max-file": "3"}
        assert {port["ip"] for port in inputs["ports"]} == {"127.0.0.1"}
        assert not inputs.get("privileged")


def test_a_container_is_replaced_by_deleting_it_first_whatever_changes(program: Engine) -> None:
    for container in program.of_type("container:Container"):
        assert container.options["deleteBeforeReplace"] is True
        assert container.options["replaceOnChanges"] == ["healthcheck", "init", "tmpfs"]


def test_no_container_is_built_from_another_resource(program: Engine) -> None:
    """A dependency in a property would let one replacement take all dependents down together."""
    for container in program.of_type("container:Container"):
        depends = container.options.get("propertyDependencies", {})
        assert not [name for name, urns in depends.items() if urns.get("urns")]


def test_everything_on_the_host_waits_for_the_preflight(program: Engine) -> None:
    assert program.named("docker-provider").depends_on() == {"docker-preflight"}
    for kind in DOCKER_KINDS:
        for resource in program.of_type(kind):
            assert "docker-provider" in resource.options["provider"], resource.name


def test_everything_in_the_cluster_waits_for_it_and_goes_with_it(program: Engine) -> None:
    assert program.named("kafka-provider").depends_on() == {"kafka-ready", "kafka-settings"}
    inside = [*program.of_type("topic:Topic"), *program.of_type("messaging:Subject")]
    assert len(inside) == 49
    for resource in inside:
        assert resource.options["deletedWith"].endswith("::kafka-identity"), resource.name
    for topic in program.of_type("topic:Topic"):
        assert "kafka-provider" in topic.options["provider"]


def test_nothing_touches_a_node_before_the_clusters_identity_was_checked(program: Engine) -> None:
    assert "kafka-identity" in program.named("kafka-1-container").depends_on()


def test_the_outputs_are_few_and_named_as_pulumi_names_them(program: Engine) -> None:
    outputs = program.outputs["messaging-dev"]

    assert set(outputs) == {"bootstrapServers", "schemaRegistryUrl", "uiUrl", "clusterId", "topics"}
    assert outputs["bootstrapServers"] == "localhost:9092"
    assert outputs["schemaRegistryUrl"] == "http://localhost:8081"
    assert outputs["uiUrl"] == "http://localhost:8080"
    assert len(outputs["topics"]) == 35


def test_the_composition_root_stays_small_and_does_not_look_at_the_stacks_name() -> None:
    source = (PROJECT / "__main__.py").read_text()

    assert len(source.splitlines()) < 80
    assert "get_stack" not in source


def test_the_password_of_a_registry_elsewhere_is_a_secret(
    engine: Engine, configure: Callable[[dict[str, str]], None]
) -> None:
    images = {"source": "local", "kafka": "i/kafka:1", "schemaRegistry": "i/registry:1", "console": "i/ui:1"}
    access = {"url": "https://registry.example.org/api", "user": "ops"}
    configure(
        {
            "environment": "dev",
            "images": json.dumps(images),
            "schemaRegistry": json.dumps(access),
            "schemaRegistryPassword": "word",
        }
    )
    engine.run_project()

    for resource in [*engine.of_type("messaging:Subject"), *engine.of_type("messaging:CatalogueCheck")]:
        password = resource.options["object"]["registryPassword"]
        assert isinstance(password, dict), f"{resource.name} has it in clear"
        assert resource.inputs["registryUrl"] == access["url"]
