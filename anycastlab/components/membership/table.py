"""The router's state machine of RFC 2710, sections 4 and 7, for members that have names.

Reports go to all routers, so no host's report silences another's: the router knows each member and
not just that there is one. Pure: it is told the time, and asks for what is to be done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from anycastlab.components.membership.options import MembershipTimers


class Key(NamedTuple):
    """A membership: on which interface of the router, which member, which (packed) address."""

    interface: str
    member: str
    address: bytes


@dataclass(slots=True)
class Entry:
    """What is known of a membership; times are on the monotonic clock."""

    key: Key
    expires: float
    announced: bool = False
    leaving: bool = False
    excused: bool = False


class Effects(Protocol):
    """What the table has done."""

    def announce(self, key: Key) -> None:
        """Let routes lead to a member; it may have been done already."""
        ...

    def withdraw(self, key: Key) -> None:
        """Let none."""
        ...

    def ask(self, key: Key) -> None:
        """Ask on its interface who is a member for its address."""
        ...

    def catch_up(self) -> None:
        """Read what has come in and nobody has read yet."""
        ...


class Clock(Protocol):
    """The time, and calls that are due later."""

    def now(self) -> float:
        """Seconds on the monotonic clock."""
        ...

    def after(self, seconds: float, call: Callable[[], None]) -> object:
        """Call *call* in so many seconds."""
        ...


LATE = 0.05
"""Seconds by which a clock that is late may have kept members from being heard, too."""


class Table:
    """The memberships that a router knows of; no more than *most*."""

    def __init__(self, timers: MembershipTimers, most: int, clock: Clock, effects: Effects) -> None:
        self._timers, self._most = timers, most
        self._clock, self._effects = clock, effects
        self._entries: dict[Key, Entry] = {}
        self._held: dict[Key, float] = {}
        self.counts: Counter[str] = Counter(joins=0, leaves=0, expired=0, held=0, full=0)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def report(self, key: Key) -> bool:
        """Note that a member is one; False if there is no room for it."""
        now = self._clock.now()
        entry = self._entries.get(key)
        if entry is None:
            if len(self._entries) >= self._most:
                self.counts["full"] += 1
                return False
            self.counts["joins"] += 1
            entry = self._enter(key, self._timers.listener)
        entry.expires = now + self._timers.listener
        entry.leaving = entry.excused = False
        self._announce(entry)
        return True

    def adopt(self, key: Key, within: float) -> None:
        """Take over a membership that was announced by an agent before: it must report *within*."""
        self._enter(key, within).announced = True

    def leave(self, key: Key) -> None:
        """Note that a member says it leaves: ask, for it may be lying about another (draft)."""
        if entry := self._entries.get(key):
            self._doubt(entry)
            entry.leaving = True
            self._ask(entry, self._timers.robustness)

    def asked(self, interface: str, address: bytes) -> None:
        """Note that another router asks about an address: whoever does not answer has left."""
        for entry in list(self._entries.values()):
            if (entry.key.interface, entry.key.address) == (interface, address):
                self._doubt(entry)

    def asked_all(self, interface: str) -> None:
        """Note that this router has asked everybody: no one is dropped before it could answer.

        It matters when the querier dies: by the protocol's own timers its successor's first query
        may be answered too late.
        """
        least = self._clock.now() + self._timers.response
        for entry in self._entries.values():
            if entry.key.interface == interface and not entry.leaving:
                entry.expires = max(entry.expires, least)

    def close(self) -> None:
        """Forget everything; what is announced stays so."""
        self._entries.clear()

    def _enter(self, key: Key, within: float) -> Entry:
        entry = self._entries[key] = Entry(key, self._clock.now() + within)
        self._wait(entry, within)
        return entry

    def _doubt(self, entry: Entry) -> None:
        entry.expires = min(entry.expires, self._clock.now() + self._timers.leaving)
        self._wait(entry, self._timers.leaving)

    def _ask(self, entry: Entry, times: int) -> None:
        if times and entry.leaving and self._entries.get(entry.key) is entry:
            self._effects.ask(entry.key)
            self._clock.after(self._timers.last, lambda: self._ask(entry, times - 1))

    def _announce(self, entry: Entry) -> None:
        """Announce a membership, after its time if it has left a moment ago."""
        left = self._held.get(entry.key, 0.0) - self._clock.now()
        if left <= 0:
            self._held.pop(entry.key, None)
            entry.announced = True
            self._effects.announce(entry.key)
        elif not entry.announced:
            self.counts["held"] += 1
            self._clock.after(left, lambda: self._announce_late(entry))

    def _announce_late(self, entry: Entry) -> None:
        if self._entries.get(entry.key) is entry:
            self._announce(entry)

    def _wait(self, entry: Entry, seconds: float) -> None:
        self._clock.after(seconds, lambda: self._due(entry))

    def _due(self, entry: Entry) -> None:
        """Let a membership expire, unless it was heard of since."""
        if self._entries.get(entry.key) is not entry:
            return
        self._effects.catch_up()
        late = self._clock.now() - entry.expires
        if late >= LATE and not entry.excused:
            entry.excused = True  # we were not there to hear it
            entry.expires += late + self._timers.leaving
            self._effects.ask(entry.key)
        if (left := entry.expires - self._clock.now()) > 0:
            self._wait(entry, left)
        else:
            self._drop(entry)

    def _drop(self, entry: Entry) -> None:
        del self._entries[entry.key]
        self.counts["leaves" if entry.leaving else "expired"] += 1
        if entry.announced:
            self._held[entry.key] = self._clock.now() + self._timers.hold
            self._effects.withdraw(entry.key)
