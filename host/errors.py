"""The one error of this package: something about the machine that a person must change."""


class HostError(Exception):
    """The machine lacks something; the message says what and what to do."""
