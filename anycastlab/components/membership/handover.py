"""From the agent to a routing daemon: a route in the router's kernel, which the daemon learns.

Where the lab itself makes the routes there is nothing to write: it is told (Place.announce).
"""

from __future__ import annotations

from collections import defaultdict

from anycastlab.components.base import Place
from anycastlab.components.membership.access import Candidate
from anycastlab.kernel import joined_routes
from anycastlab.kernel.netlink import Netlink


class HandOver:
    """The routes of one router to the members beside it, one next hop for each."""

    def __init__(self, place: Place) -> None:
        written = place.network.routing.daemon != "kernel"
        self._netlink: Netlink | None = place.netlink() if written else None
        self._members: dict[bytes, dict[Candidate, None]] = defaultdict(dict)

    def announce(self, one: Candidate) -> None:
        """Let a member's address lead to it, too."""
        if self._netlink and one not in self._members[one.address]:
            self._members[one.address][one] = None
            self._write(one.address)

    def withdraw(self, one: Candidate) -> None:
        """Let it lead to it no more."""
        if self._netlink and self._members[one.address].pop(one, self) is None:
            self._write(one.address)

    def _write(self, address: bytes) -> None:
        assert self._netlink
        hops = [
            (one.near.index, (one.far.ipv4 if len(address) == 4 else one.far.ipv6).ip.packed)
            for one in self._members[address]
        ]
        joined_routes.write(self._netlink, address, hops)

    def close(self) -> None:
        """Write no more; what is written stays."""
        if self._netlink:
            self._netlink.close()
