"""Runs: update, destroy and refresh. Steps are done and recorded here."""
