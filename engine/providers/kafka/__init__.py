"""The kafka provider: topics, access rules, credentials and quotas of one Kafka cluster."""
