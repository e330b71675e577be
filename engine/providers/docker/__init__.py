"""The docker provider: containers, networks and volumes of one Docker engine."""
