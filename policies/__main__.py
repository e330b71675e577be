"""The policy pack: builds it and serves it."""

import sys
from pathlib import Path

from guardrails import exceptions, pack

try:
    granted = exceptions.load(
        Path(__file__).resolve().parent / exceptions.FILE, [rule.name for rule in pack.RULES]
    )
except exceptions.ExceptionsError as error:
    sys.exit(str(error))  # both engines show what a pack prints, and that it ended
pack.serve(granted)
