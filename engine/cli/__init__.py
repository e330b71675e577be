"""The embedded engine's command line: the CLI's spelling of commands, flags, variables and exit codes."""
