"""Docker resources: what the providers must agree on."""

from __future__ import annotations

import pulumi
import pulumi_docker as docker

from tests.parity.programs.parts import container, label, named, network, scenario, volume


@scenario()
def network_with_labels(stage: int) -> None:
    network("net", labels=[docker.NetworkLabelArgs(label="stage", value=str(stage))])


@scenario()
def network_with_a_subnet(stage: int) -> None:
    network(
        "net",
        driver="bridge",
        internal=stage == 1,
        ipam_configs=[docker.NetworkIpamConfigArgs(subnet="10.231.40.0/28", gateway="10.231.40.1")],
    )


@scenario()
def volume_with_labels(stage: int) -> None:
    volume("data", labels=[docker.VolumeLabelArgs(label="stage", value=str(stage))])


@scenario()
def volume_renamed_in_docker(stage: int) -> None:
    volume("data", name=named(f"data-{stage}"))


@scenario()
def container_without_options(stage: int) -> None:
    container("one")
    if stage > 1:
        container("two")


@scenario()
def container_environment_changes(stage: int) -> None:
    container("one", envs=["KEPT=yes", f"STAGE={stage}"])


@scenario()
def container_command_changes(stage: int) -> None:
    container("one", command=["sleep", str(3600 + stage)])


@scenario()
def container_name_changes(stage: int) -> None:
    container("one", name=named(f"one-{stage}"))


@scenario(stages=3)
def container_updated_in_place(stage: int) -> None:
    size = 32 * min(stage, 2)
    container(
        "one", memory=size, memory_swap=size, restart="unless-stopped" if stage > 1 else "no", cpu_shares=512
    )


@scenario()
def container_with_ports(stage: int) -> None:
    container(
        "one", ports=[docker.ContainerPortArgs(internal=7000 + port, ip="127.0.0.1") for port in range(stage)]
    )


@scenario()
def container_with_a_health_check(stage: int) -> None:
    container(
        "one",
        envs=[f"STAGE={stage}"],
        healthcheck=docker.ContainerHealthcheckArgs(
            tests=["CMD", "true"], interval="2s", timeout="2s", retries=3, start_period="1s"
        ),
    )


@scenario()
def container_with_a_health_check_of_minutes(stage: int) -> None:
    container(
        "one",
        envs=[f"STAGE={stage}"],
        healthcheck=docker.ContainerHealthcheckArgs(
            tests=["CMD", "true"], interval="1m30s", timeout="1.5s", start_period="1m0s"
        ),
    )


@scenario()
def container_with_processors(stage: int) -> None:
    container("half", cpus="0.5", envs=[f"STAGE={stage}"])
    container("one", cpus="1.0" if stage == 1 else "1.25")


@scenario()
def container_on_a_network_and_volume(stage: int) -> None:
    net = network("net")
    data = volume("data")
    container(
        "one",
        networks_advanced=[
            docker.ContainerNetworksAdvancedArgs(name=named("net"), aliases=["one", f"one-{stage}"])
        ],
        volumes=[docker.ContainerVolumeArgs(volume_name=named("data"), container_path="/data")],
        opts=pulumi.ResourceOptions(depends_on=[net, data]),
    )


@scenario()
def container_that_takes_the_network_as_an_output(stage: int) -> None:
    net = network("net", labels=[docker.NetworkLabelArgs(label="stage", value=str(stage))])
    container("one", networks_advanced=[docker.ContainerNetworksAdvancedArgs(name=net.name)])


@scenario()
def container_with_uploads(stage: int) -> None:
    container(
        "one",
        uploads=[
            docker.ContainerUploadArgs(file="/etc/parity", content=f"stage {stage}\n", permissions="0600"),
            docker.ContainerUploadArgs(file="/etc/executable", content="#!/bin/sh\n", executable=True),
        ],
    )


@scenario()
def container_with_hosts_and_labels(stage: int) -> None:
    container(
        "one",
        hosts=[docker.ContainerHostArgs(host="elsewhere", ip="10.0.0.1")],
        labels=[
            docker.ContainerLabelArgs(label="stage", value=str(stage)),
            docker.ContainerLabelArgs(label="kept", value="yes"),
        ],
        hostname="one",
        working_dir="/tmp",
        user="0:0",
    )


@scenario()
def container_with_limits(stage: int) -> None:
    container(
        "one",
        ulimits=[docker.ContainerUlimitArgs(name="nofile", soft=1000 + stage, hard=2000)],
        log_driver="json-file",
        log_opts={"max-size": "1m", "max-file": "2"},
        capabilities=docker.ContainerCapabilitiesArgs(drops=["CAP_NET_RAW"]),
        read_only=True,
        tmpfs={"/scratch": "rw,size=1m"},
        shm_size=32,
    )


@scenario()
def container_with_stop_settings(stage: int) -> None:
    container("one", stop_signal="SIGINT", stop_timeout=5 + stage, init=True)


@scenario()
def container_grace_period_changes(stage: int) -> None:
    container("one", destroy_grace_seconds=stage)


@scenario()
def containers_rolled_one_after_another(stage: int) -> None:
    before: list[pulumi.Resource] = []
    for number in (1, 2, 3):
        before = [
            container(
                f"node-{number}", envs=[f"STAGE={stage}"], opts=pulumi.ResourceOptions(depends_on=before)
            )
        ]


@scenario()
def container_that_names_another_by_its_output(stage: int) -> None:
    first = container("one", envs=[f"STAGE={stage}"])
    container("two", envs=[first.id.apply(lambda found: f"FIRST={found}")])


@scenario()
def container_removed(stage: int) -> None:
    net = network("net")
    if stage == 1:
        container("one", opts=pulumi.ResourceOptions(depends_on=[net]))


@scenario()
def container_with_a_secret(stage: int) -> None:
    secret = pulumi.Output.secret(f"made-up-{stage}")
    container("one", envs=["PLAIN=1", pulumi.Output.concat("PASSWORD=", secret)])


@scenario(codes={1: 1}, reasons=False)
def container_whose_command_is_not_there(stage: int) -> None:
    container("one", command=["no-such-program"] if stage == 1 else ["sleep", "3600"])


@scenario(codes={1: 1}, reasons=False)
def container_on_a_network_that_is_not_there(stage: int) -> None:
    name = "absent" if stage == 1 else "net"
    net = network("net")
    container(
        "one",
        networks_advanced=[docker.ContainerNetworksAdvancedArgs(name=named(name))],
        opts=pulumi.ResourceOptions(depends_on=[net]),
    )


@scenario()
def container_that_ends_by_itself(stage: int) -> None:
    container("one", command=["true"], must_run=False, envs=[f"STAGE={stage}"])


@scenario()
def explicit_docker_provider(stage: int) -> None:
    provider = docker.Provider(label("engine"), host="unix:///var/run/docker.sock")
    net = network("net", pulumi.ResourceOptions(provider=provider))
    if stage > 1:
        volume("data", pulumi.ResourceOptions(provider=provider, depends_on=[net]))


@scenario(config={1: (("docker:host", "unix:///var/run/docker.sock"),)})
def docker_host_in_the_configuration(stage: int) -> None:
    network("net", labels=[docker.NetworkLabelArgs(label="stage", value=str(stage))])


@scenario()
def volume_named_by_the_engine(stage: int) -> None:
    docker.Volume(label("data"), labels=[docker.VolumeLabelArgs(label="kept", value="yes")])
    if stage > 1:
        docker.Network(label("net"))


@scenario()
def container_ignores_changes(stage: int) -> None:
    container("one", envs=[f"STAGE={stage}"], opts=pulumi.ResourceOptions(ignore_changes=["envs"]))


@scenario()
def container_replaced_on_changes(stage: int) -> None:
    container(
        "one",
        memory=32 * stage,
        memory_swap=32 * stage,
        opts=pulumi.ResourceOptions(replace_on_changes=["memory"], delete_before_replace=True),
    )


@scenario(leaves=True)
def volume_retained(stage: int) -> None:
    net = network("net")
    if stage == 1:
        volume("data", opts=pulumi.ResourceOptions(retain_on_delete=True, depends_on=[net]))


@scenario()
def container_deleted_with_a_volume(stage: int) -> None:
    net = network("net")
    data = volume("data", opts=pulumi.ResourceOptions(depends_on=[net]))
    if stage == 1:
        container("one", opts=pulumi.ResourceOptions(deleted_with=data))


@scenario()
def container_renamed_with_an_alias(stage: int) -> None:
    name = "one" if stage == 1 else "uno"
    opts = pulumi.ResourceOptions(aliases=[pulumi.Alias(name=label("one"))])
    container(name, name=named("one"), opts=opts)


@scenario()
def container_with_custom_timeouts(stage: int) -> None:
    timeouts = pulumi.CustomTimeouts(create="2m", update="90s", delete=f"{stage}m")
    container("one", opts=pulumi.ResourceOptions(custom_timeouts=timeouts))


@scenario()
def container_with_secret_outputs(stage: int) -> None:
    secret = ["ipAddresses", "networkDatas"] if stage > 1 else ["networkDatas"]
    container("one", opts=pulumi.ResourceOptions(additional_secret_outputs=secret))
