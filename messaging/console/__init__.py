"""The console: a small read-only web service that shows what is in the Kafka clusters.

It shows brokers, topics, messages, consumer groups, schemas, and dead letters by class. It stands in for
kafbat's kafka-ui, under the same port, environment names and health path. Start it with ``python -m
messaging.console``; docs/console.md is its manual.
"""
