"""The router's agent: hears who is a member beside it, and lets routes lead there."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from typing import Any, ClassVar

from anycastlab.components.base import Component, Options, Place
from anycastlab.components.membership.access import (
    Candidate,
    candidates,
    joins_at_start,
    permitted,
)
from anycastlab.components.membership.dialects import Dialect
from anycastlab.components.membership.handover import HandOver
from anycastlab.components.membership.limits import Lines, Senders
from anycastlab.components.membership.link import Link
from anycastlab.components.membership.names import ROUTER
from anycastlab.components.membership.options import RouterOptions
from anycastlab.components.membership.querier import Querier
from anycastlab.components.membership.table import Key, Table
from anycastlab.components.membership.wire import Malformed, Message

_BACKLOG = 4096
"""Packets read before a membership expires for want of a report."""


class _Clock:
    """The lab's loop as the table's clock."""

    now = staticmethod(time.monotonic)

    def __init__(self, place: Place) -> None:
        self.after = place.after


class MembershipRouter(Component):
    """Takes reports by MLD, IGMP or ND and announces their senders as members.

    When it is stopped its routes stay; started again, it asks who is still there.
    """

    name: ClassVar[str] = ROUTER
    options: ClassVar[type[Options]] = RouterOptions
    serves: ClassVar[bool] = False

    def start(self, place: Place, options: Options) -> None:
        """Listen on every interface with members beside it, and ask."""
        assert isinstance(options, RouterOptions)
        self._place, self._options = place, options
        self._candidates = {one.key: one for one in candidates(place.network, place.node)}
        self._permitted = {key for key, one in self._candidates.items() if permitted(options, one)}
        self._known = {
            (one.near.name, one.dialect.identity(one.far), one.address): one
            for one in self._candidates.values()
        }
        self._counts: Counter[str] = Counter(received=0, malformed=0, refused=0, excess=0)
        self._lines = Lines(f"{place.node} {self.name}")
        self._senders = Senders(options.rate)
        self._hand_over = HandOver(place)
        clock = _Clock(place)
        self._table = Table(options.timers, options.table, clock, self)
        dialects = {one.dialect.name: one.dialect for one in self._candidates.values()}
        self._links = {name: self._open(dialect) for name, dialect in dialects.items()}
        self._adopt()
        self._queriers = self._make_queriers(clock)
        for querier in self._queriers.values():
            querier.start()

    def stop(self) -> None:
        """Fall silent; the routes stay, as those of an agent that died would."""
        for querier in self._queriers.values():
            querier.stop()
        self._table.close()
        for link in self._links.values():
            link.close()
        self._hand_over.close()

    def _open(self, dialect: Dialect) -> Link:
        def handle(interface: str, mac: bytes, packet: bytes) -> None:
            self._take(dialect, interface, mac, packet)

        return Link(self._place, dialect.ethertype, dialect.router_filter(), handle)

    def _make_queriers(self, clock: _Clock) -> dict[tuple[str, str], Querier]:
        made = {}
        for one in self._candidates.values():
            place = one.dialect.name, one.near.name
            if place not in made:
                asks = self._asker(one)
                own = one.dialect.identity(one.near)
                made[place] = Querier(self._options.timers, own, clock, asks)
        return made

    def _asker(self, one: Candidate) -> Any:
        addresses = sorted(
            {
                other.address
                for other in self._candidates.values()
                if (other.near, other.dialect) == (one.near, one.dialect)
            }
        )

        def ask() -> None:
            for query in one.dialect.general(one.near, addresses, self._options.timers.response):
                self._links[one.dialect.name].send(one.near.name, query)
            self._table.asked_all(one.near.name)

        return ask

    def _adopt(self) -> None:
        timers = self._options.timers
        within = timers.robustness * timers.startup + timers.response
        for key, one in self._candidates.items():
            if self._place.announced(one.group, one.far.node) and key in self._permitted:
                self._table.adopt(key, within)
                self._hand_over.announce(one)

    # -- what comes in ----------------------------------------------------------------------------

    def _take(self, dialect: Dialect, interface: str, mac: bytes, packet: bytes) -> None:
        now = time.monotonic()
        self._counts["received"] += 1
        if not self._senders.takes((interface, mac), now):
            self._counts["excess"] += 1
            return
        try:
            message = dialect.parse(packet)
        except Malformed as error:
            self._counts["malformed"] += 1
            self._log(f"{dialect.name} from {mac.hex(':')} on {interface}: {error}")
            return
        if message is not None:
            self._hear(dialect, interface, mac, message)

    def _hear(self, dialect: Dialect, interface: str, mac: bytes, message: Message) -> None:
        if message.kind == "query":
            self._heard_query(dialect, interface, message)
            return
        sender = dialect.sender(message, mac)
        one = self._known.get((interface, sender, message.address))
        if one is None or one.dialect is not dialect or one.key not in self._permitted:
            if dialect.name == "nd" and one is None:
                return  # neighbours advertise other addresses too
            self._counts["refused"] += 1
            self._log(f"{_told(dialect, message, sender)} on {interface}: not permitted")
        elif message.kind == "leave":
            self._table.leave(one.key)
        elif not self._table.report(one.key):
            self._log(f"{_told(dialect, message, sender)} on {interface}: the table is full")

    def _heard_query(self, dialect: Dialect, interface: str, message: Message) -> None:
        querier = self._queriers.get((dialect.name, interface))
        if querier is None:
            return
        querier.heard(message.source)
        if any(message.address) and not querier.asks:
            self._table.asked(interface, message.address)

    def _log(self, text: str) -> None:
        self._lines.write(text, time.monotonic())

    # -- what the table wants ---------------------------------------------------------------------

    def announce(self, key: Key) -> None:
        """Let routes lead to a member."""
        one = self._candidates[key]
        self._hand_over.announce(one)
        self._place.announce(one.group, one.far.node)

    def withdraw(self, key: Key) -> None:
        """Let none."""
        one = self._candidates[key]
        self._hand_over.withdraw(one)
        if not any(
            self._candidates[entry.key].group == one.group
            and entry.announced
            and entry.key.member == key.member
            for entry in self._table
        ):
            self._place.withdraw(one.group, one.far.node)

    def ask(self, key: Key) -> None:
        """Ask who is still a member for an address."""
        one = self._candidates[key]
        query = one.dialect.specific(one.near, one.address, self._options.timers.last)
        self._links[one.dialect.name].send(one.near.name, query)

    def catch_up(self) -> None:
        """Read what waits."""
        for link in self._links.values():
            link.read(_BACKLOG)

    # -- what it tells ----------------------------------------------------------------------------

    def missing(self) -> str:
        """Say which member that joins at the start is not announced yet."""
        for key, one in self._candidates.items():
            member = one.far.node
            if (
                key in self._permitted
                and joins_at_start(self._place.network, member)
                and not self._place.announced(one.group, member)
            ):
                return f"{self._place.node} has not heard {member} join {one.group} yet"
        return ""

    def tell(self) -> Mapping[str, Any]:
        """The members it knows by group, how long for, and what became of all messages."""
        now = time.monotonic()
        members: dict[str, dict[str, float]] = {one.group: {} for one in self._candidates.values()}
        for entry in self._table:
            group = self._candidates[entry.key].group
            members[group][entry.key.member] = round(max(entry.expires - now, 0.0), 3)
        return {
            "members": {group: sorted(times) for group, times in members.items()},
            "expires": members,
            "routes": sum(entry.announced for entry in self._table),
            "querier": {
                f"{interface} {dialect}": querier.asks
                for (dialect, interface), querier in self._queriers.items()
            },
            **self._counts,
            **self._table.counts,
            "lost": sum(link.lost() for link in self._links.values()),
            "unwritten": self._lines.unwritten,
        }


def _told(dialect: Dialect, message: Message, sender: bytes) -> str:
    kind = "advertisement" if dialect.name == "nd" else message.kind
    return f"{dialect.name} {kind} of {_text(sender)} for {_text(message.address)}"


def _text(packed: bytes) -> str:
    from ipaddress import ip_address

    return packed.hex(":") if len(packed) == 6 else str(ip_address(packed))
