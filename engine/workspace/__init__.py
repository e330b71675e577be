"""What lies in a project's folder: Pulumi.yaml, the stacks' files, configuration and its secrets."""
