"""``python -m engine.providers.kafka [ENGINE-ADDRESS]``: serve the kafka provider."""

from engine.protocol import load_alone

load_alone()

from engine.providers.kafka.package import KafkaPackage  # noqa: E402 - the stubs must be found first
from engine.providers.server import serve  # noqa: E402

if __name__ == "__main__":
    serve(KafkaPackage(), "pulumi-kafka")
