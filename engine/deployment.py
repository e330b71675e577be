"""The engine's entry points: update (or preview), destroy, refresh, and what they take and give."""

from engine.destroy import destroy
from engine.executor import Cancellation
from engine.refresh import refresh
from engine.run import Result, Settings
from engine.update import update

__all__ = ["Cancellation", "Result", "Settings", "destroy", "refresh", "update"]
