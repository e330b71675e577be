"""The policy pack: builds it and serves it."""

from pathlib import Path

from guardrails import exceptions, pack

pack.serve(exceptions.load(Path(__file__).resolve().parent / exceptions.FILE))
