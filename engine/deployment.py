"""The engine's entry points: update, destroy, refresh, their previews, and what they take and give."""

from engine.destroy import destroy
from engine.executor import Cancellation
from engine.refresh import refresh
from engine.refreshed import refreshed_preview
from engine.run import Result, Settings
from engine.update import update

__all__ = ["Cancellation", "Result", "Settings", "destroy", "refresh", "refreshed_preview", "update"]
