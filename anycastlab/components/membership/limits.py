"""How much is taken of whom: token buckets for senders, and for lines of the log."""

from __future__ import annotations

import logging
from collections.abc import Hashable

_SENDERS = 1024
"""Senders that have a bucket of their own; all others share one, for an address can be made up."""
_LINES = 100
"""Lines a second; a log that fills up must not fill the disk."""
_log = logging.getLogger("anycastlab.membership")


class Bucket:
    """Takes so many a second, and as many at once (*now* is on the monotonic clock)."""

    __slots__ = ("_filled", "_left", "_rate")

    def __init__(self, rate: float, now: float) -> None:
        self._rate, self._left, self._filled = rate, float(rate), now

    def takes(self, now: float) -> bool:
        """Whether one more is within the rate."""
        self._left = min(self._rate, self._left + (now - self._filled) * self._rate)
        self._filled = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Senders:
    """A bucket for each sender."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._buckets: dict[Hashable, Bucket] = {}

    def takes(self, sender: Hashable, now: float) -> bool:
        """Whether one more message of this sender is within the rate."""
        buckets = self._buckets
        if sender not in buckets:
            if len(buckets) >= _SENDERS:
                sender = None
            if sender not in buckets:
                buckets[sender] = Bucket(self._rate, now)
        return buckets[sender].takes(now)


class Lines:
    """A log that one line goes to for each event, as long as they are not too many."""

    def __init__(self, name: str) -> None:
        """*name* begins every line."""
        self._name = name
        self._bucket: Bucket | None = None
        self.unwritten = 0

    def write(self, text: str, now: float) -> None:
        """Write a line, or count it as unwritten."""
        if self._bucket is None:
            self._bucket = Bucket(_LINES, now)
        if self._bucket.takes(now):
            _log.warning("%s: %s", self._name, text)
        else:
            self.unwritten += 1
