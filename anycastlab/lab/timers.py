"""What the supervisor's loop is to do later: a heap of calls, each due at a time."""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable

Call = Callable[[], None]


class Timer:
    """One call that is due later, unless it is cancelled."""

    def __init__(self, call: Call) -> None:
        self.call: Call | None = call

    def cancel(self) -> None:
        """Do not call."""
        self.call = None


class Timers:
    """Calls by when they are due (monotonic clock); who has a loop asks how long it may wait."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._count = itertools.count()

    def after(self, seconds: float, call: Call) -> Timer:
        """Have *call* called in so many seconds."""
        timer = Timer(call)
        heapq.heappush(self._heap, (time.monotonic() + seconds, next(self._count), timer))
        return timer

    def wait(self) -> float | None:
        """Seconds until the next call is due, 0 when one is; None when there is none."""
        while self._heap and self._heap[0][2].call is None:
            heapq.heappop(self._heap)
        return max(0.0, self._heap[0][0] - time.monotonic()) if self._heap else None

    def run(self) -> None:
        """Call what is due by now; what those calls add waits for the next time."""
        now = time.monotonic()
        due = []
        while self._heap and self._heap[0][0] <= now:
            due.append(heapq.heappop(self._heap)[2])
        for timer in due:
            if timer.call is not None:
                timer.call()
