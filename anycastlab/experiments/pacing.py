"""Faults that take time: a step at its own moment, not a wait for anything to become true."""

from __future__ import annotations

import time
from threading import Event


def pause_until(moment: float) -> None:
    """Return at *moment* (monotonic seconds), or at once when it has passed."""
    Event().wait(max(0.0, moment - time.monotonic()))
