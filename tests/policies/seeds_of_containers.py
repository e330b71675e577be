"""Bad changes after which a container is not what it must be."""

from __future__ import annotations

from tests.policies.seed import PROGRAM, Seed

SEEDS = (
    Seed(
        "an image by latest, in the pins",
        PROGRAM,
        ("kafka", "fixed tag or digest"),
        "kafka: confluentinc/cp-kafka:8.1.2",
        "kafka: confluentinc/cp-kafka:latest",
    ),
    Seed(
        "images without a tag",
        "image-pinned",
        ("container kafka-1", "fixed tag other than latest"),
        '"image": blueprint.image,',
        '"image": blueprint.image.partition(":")[0],',
    ),
    Seed(
        "brokers that are killed at once",
        "grace-period",
        ("node kafka-1", "does not set destroyGraceSeconds", "at least 60 s"),
        '    "destroy_grace_seconds": GRACE_SECONDS,\n',
        "",
    ),
    Seed(
        "ten seconds of grace",
        "grace-period",
        ("destroyGraceSeconds 10",),
        "GRACE_SECONDS = 60",
        "GRACE_SECONDS = 10",
    ),
    Seed(
        "brokers that are stopped by SIGKILL",
        "grace-period",
        ("node kafka-1 is stopped by SIGKILL", "only SIGTERM"),
        '    "destroy_grace_seconds": GRACE_SECONDS,\n',
        '    "destroy_grace_seconds": GRACE_SECONDS,\n    "stop_signal": "SIGKILL",\n',
    ),
    Seed(
        "no limit of swap",
        "memory-limit",
        ("container kafka-1 does not set memorySwap",),
        '        "memory_swap": blueprint.memory_mib,\n',
        "",
    ),
    Seed(
        "as much swap as one likes",
        "memory-limit",
        ("container kafka-1 has memorySwap -1",),
        '"memory_swap": blueprint.memory_mib,',
        '"memory_swap": -1,',
    ),
    Seed(
        "containers that stay down",
        "restart-policy",
        ("container kafka-1 has restart no",),
        '"restart": "unless-stopped",',
        '"restart": "no",',
    ),
    Seed(
        "health checks switched off",
        "health-check",
        ("container kafka-1 has its health check switched off",),
        '"tests": list(health.test),',
        '"tests": ["NONE"],',
    ),
    Seed(
        "privileged containers",
        "no-privileged-container",
        ("container kafka-1 is privileged",),
        '"hostname": blueprint.name,',
        '"hostname": blueprint.name, "privileged": True,',
    ),
    Seed(
        "added capabilities",
        "no-privileged-container",
        ("capabilities SYS_ADMIN",),
        '"hostname": blueprint.name,',
        '"hostname": blueprint.name, "capabilities": {"adds": ["SYS_ADMIN"]},',
    ),
    Seed(
        "the host's network",
        "no-host-namespace",
        ("container kafka-1 has networkMode host",),
        '"networks_advanced": [{"name": blueprint.network}],',
        '"network_mode": "host",',
    ),
    Seed(
        "the host's processes",
        "no-host-namespace",
        ("container kafka-1 has pidMode host",),
        '"hostname": blueprint.name,',
        '"hostname": blueprint.name, "pid_mode": "host",',
    ),
    Seed(
        "Docker's socket in a container",
        "no-docker-socket",
        ("container kafka-1 mounts /var/run/docker.sock",),
        '"volumes": _volumes(blueprint),',
        '"volumes": [*_volumes(blueprint), '
        '{"host_path": "/var/run/docker.sock", "container_path": "/var/run/docker.sock"}],',
    ),
    Seed(
        "plaintext on every address",
        "ports-on-loopback",
        ("container kafka-1 publishes its port 19092 as 0.0.0.0:9092",),
        "messaging:environment: prod",
        "messaging:environment: prod\n"
        "  messaging:listeners: {advertisedHost: k.example.org, bindAddress: 0.0.0.0}",
    ),
    Seed(
        "a password in the environment",
        "no-secret-in-sight",
        ("the variable KAFKA_SSL_KEYSTORE_PASSWORD is named like a secret",),
        '"log.dirs": DATA_FOLDER,',
        '"log.dirs": DATA_FOLDER, "ssl.keystore.password": "changeit",',
    ),
    Seed(
        "a login in an address",
        "no-secret-in-sight",
        ("holds a password in an address",),
        '"log.dirs": DATA_FOLDER,',
        '"log.dirs": DATA_FOLDER, "proxy": "http://me:letmein@proxy",',
    ),
    Seed(
        "a token in a label",
        "no-secret-in-sight",
        ("the label api-token is named like a secret",),
        "labels = owner.labels(blueprint.role)",
        'labels = owner.labels(blueprint.role) | {"api-token": "0b5cur3"}',
    ),
)
