"""The host's agent: tells the routers beside it for which service addresses the host answers."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from anycastlab.components.base import Joining, Options, Place, Timer
from anycastlab.components.membership.dialects import DIALECTS, Dialect
from anycastlab.components.membership.link import Link
from anycastlab.components.membership.names import HOST
from anycastlab.components.membership.options import HostOptions
from anycastlab.components.membership.wire import Kind, Malformed
from anycastlab.errors import UsageError
from anycastlab.kernel import own_address
from anycastlab.topology.announcing import BY_AGENT, neighbours
from anycastlab.topology.network import Interface, Network


@dataclass(slots=True)
class _Membership:
    """One address of one group on one link to a router; ``due`` is the report that is to come."""

    group: str
    address: bytes
    dialect: Dialect
    near: Interface
    joined: bool = False
    due: float = 0.0
    timer: Timer | None = None
    said: dict[str, int] = field(default_factory=lambda: {"report": 0, "leave": 0})


def _memberships(network: Network, node: str) -> list[_Membership]:
    nears = dict.fromkeys(
        near for near, far in neighbours(network, node) if network.nodes[far.node].forwards
    )
    return [
        _Membership(group.name, address.packed, DIALECTS[member.announce], near)
        for group in network.groups.values()
        for member in group.members
        if member.node == node and member.announce in BY_AGENT
        for address in group.addresses
        for near in nears
    ]


class MembershipHost(Joining):
    """Reports, answers queries, and takes leave; for ND it puts the address where it is asked for.

    Stopped it says nothing: so a host's agent dies.
    """

    name: ClassVar[str] = HOST
    options: ClassVar[type[Options]] = HostOptions
    serves: ClassVar[bool] = False

    def start(self, place: Place, options: Options) -> None:
        """Listen, and join unless it is to wait."""
        assert isinstance(options, HostOptions)
        self._place, self._timers = place, options.timers
        self._queries = 0
        self._memberships = _memberships(place.network, place.node)
        dialects = {one.dialect.name: one.dialect for one in self._memberships}
        self._links = {
            name: link
            for name, dialect in dialects.items()
            if (link := self._open(dialect)) is not None
        }
        for group in dict.fromkeys(one.group for one in self._memberships):
            if options.join:
                self.join(group)

    def _open(self, dialect: Dialect) -> Link | None:
        program = dialect.host_filter()
        if program is None:
            return None

        def handle(interface: str, _mac: bytes, packet: bytes) -> None:
            self._answer(dialect, interface, packet)

        return Link(self._place, dialect.ethertype, program, handle)

    def stop(self) -> None:
        """Say nothing more."""
        for one in self._memberships:
            self._hush(one)
        for link in self._links.values():
            link.close()

    # -- joining and leaving ----------------------------------------------------------------------

    def join(self, group: str) -> None:
        """Report now, and again in case that gets lost (RFC 2710, section 4)."""
        for one in self._of(group, joined=False):
            one.joined = True
            if one.dialect.name == "nd":
                self._own(one, True)
            self._report(one, self._timers.robustness)

    def leave(self, group: str) -> None:
        """Say so, and report no more."""
        for one in self._of(group, joined=True):
            one.joined = False
            self._hush(one)
            if one.dialect.name == "nd":
                self._own(one, False)
            self._say(one, "leave")

    def _of(self, group: str, joined: bool) -> list[_Membership]:
        found = [one for one in self._memberships if (one.group, one.joined) == (group, joined)]
        if not found:
            state = "left" if joined else "joined"
            raise UsageError(f"{self._place.node!r} has {state} {group} already")
        return found

    def _own(self, one: _Membership, there: bool) -> None:
        with self._place.netlink() as netlink:
            own_address.write(netlink, one.near.index, one.address, there)

    def _report(self, one: _Membership, times: int) -> None:
        one.timer = None
        self._say(one, "report")
        if times > 1:
            wait = random.uniform(0, self._timers.unsolicited)
            self._schedule(one, wait, times - 1)

    def _schedule(self, one: _Membership, seconds: float, times: int) -> None:
        self._hush(one)
        one.due = time.monotonic() + seconds
        one.timer = self._place.after(seconds, lambda: self._report(one, times))

    def _hush(self, one: _Membership) -> None:
        if one.timer is not None:
            one.timer.cancel()
            one.timer = None

    def _say(self, one: _Membership, kind: Kind) -> None:
        packet = one.dialect.said(kind, one.near, one.address)
        if packet is not None:
            one.said[kind] += 1
            self._links[one.dialect.name].send(one.near.name, packet)

    # -- answering --------------------------------------------------------------------------------

    def _answer(self, dialect: Dialect, interface: str, packet: bytes) -> None:
        """Report within the delay a query allows, unless a report is due before (section 4)."""
        try:
            query = dialect.parse(packet)
        except Malformed:
            return
        if query is None or query.kind != "query":
            return
        self._queries += 1
        for one in self._memberships:
            if not one.joined or (one.dialect, one.near.name) != (dialect, interface):
                continue
            if any(query.address) and query.address != one.address:
                continue
            wait = random.uniform(0, query.delay)
            if one.timer is None or time.monotonic() + wait < one.due:
                self._schedule(one, wait, 1)

    def tell(self) -> Mapping[str, Any]:
        """The groups it is a member of, and what it has heard and said."""
        return {
            "groups": sorted({one.group for one in self._memberships if one.joined}),
            "queries": self._queries,
            "reports": sum(one.said["report"] for one in self._memberships),
            "leaves": sum(one.said["leave"] for one in self._memberships),
        }
