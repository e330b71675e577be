"""What Docker 20.10 shows of a container that was made from an image and a name alone."""

from __future__ import annotations

from typing import Any

from engine.providers.docker.container_body import STEP_LABEL

ID = "92d41a4af0f16f20f6b729e9b63ee117ca1d1226de94abc93d58ab721ee241c9"
BARE: dict[str, Any] = {
    "Id": ID,
    "Image": "sha256:1",
    "State": {"StartedAt": "2026-03-01T10:00:05.123456789Z"},
    "Mounts": [{"Destination": "/etc/mounted"}],
    "Config": {
        "Hostname": ID[:12],
        "Domainname": "",
        "User": "app",
        "AttachStdin": False,
        "ExposedPorts": {"9092/tcp": {}},
        "Tty": False,
        "OpenStdin": False,
        "Env": ["PATH=/bin", "COMPONENT=kafka"],
        "Cmd": ["/run"],
        "Healthcheck": {"Test": ["CMD", "true"], "Interval": 1000000000},
        "Image": "kafka:1",
        "Volumes": {"/data": {}},
        "WorkingDir": "/home/app",
        "Entrypoint": None,
        "OnBuild": None,
        "Labels": {"role": "kafka", STEP_LABEL: "step-1"},
    },
    "HostConfig": {
        "Binds": None,
        "LogConfig": {"Type": "json-file", "Config": {}},
        "NetworkMode": "bridge",
        "PortBindings": {},
        "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
        "AutoRemove": False,
        "VolumesFrom": None,
        "CapAdd": None,
        "CapDrop": None,
        "CgroupnsMode": "host",
        "Dns": [],
        "ExtraHosts": None,
        "IpcMode": "private",
        "PidMode": "",
        "Privileged": False,
        "ReadonlyRootfs": False,
        "SecurityOpt": None,
        "ShmSize": 67108864,
        "Runtime": "runc",
        "ConsoleSize": [0, 0],
        "Memory": 0,
        "MemorySwap": 0,
        "MemorySwappiness": None,
        "NanoCpus": 0,
        "Ulimits": [],
        "Init": False,
        "MaskedPaths": ["/proc/kcore"],
        "ReadonlyPaths": ["/proc/sys"],
    },
    "NetworkSettings": {
        "Networks": {"bridge": {"NetworkID": "b1", "IPAMConfig": None, "MacAddress": "02:42:AC:11:00:02"}}
    },
}
