"""What ``.venv/bin/pulumi`` runs: it picks the engine and sets the project's defaults.

Everything that Pulumi itself decides stays with the engine that was picked.
"""
