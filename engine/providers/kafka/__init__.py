"""The kafka provider: topics of one Kafka cluster."""
