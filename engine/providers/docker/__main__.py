"""``python -m engine.providers.docker [ENGINE-ADDRESS]``: serve the docker provider."""

from engine.protocol import load_alone

load_alone()

from engine.providers.docker.package import DockerPackage  # noqa: E402 - the stubs must be found first
from engine.providers.server import serve  # noqa: E402

if __name__ == "__main__":
    serve(DockerPackage(), "pulumi-docker")
