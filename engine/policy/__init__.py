"""Policy packs: found, started, and asked for their verdicts."""
