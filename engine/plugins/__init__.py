"""Providers: as processes, as what can be asked of them, as resources of the program."""
