"""Taps before a dead member's door: what its neighbours send it when it is back.

A namespace that does not exist yet cannot be tapped, and a member that comes back is in service
before anybody else can open a socket in it. Its neighbours' ends of its links tell what it gets.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator

from anycastlab.errors import UsageError
from anycastlab.kernel.packet import OUTGOING, Tap
from anycastlab.probing.filters import KEPT, recorded_by_taps
from anycastlab.probing.identify import identify
from anycastlab.probing.nodes import Nodes
from anycastlab.probing.taps import Event
from anycastlab.topology.network import Interface, Network


class Doorstep:
    """Records the probes sent to one member over its links. (Of a LAN it knows nothing.)"""

    def __init__(self, nodes: Nodes, member: str) -> None:
        self.events: list[Event] = []
        self.taps: list[Tap] = []
        self._indexes = set()
        for far in _far_ends(nodes.network, member):
            try:
                sock = nodes.socket(far.node, socket.AF_PACKET, socket.SOCK_DGRAM)
            except UsageError:  # dead as well
                continue
            self.taps.append(Tap(sock, recorded_by_taps(), keep=KEPT))
            self._indexes.add(far.index)

    def take(self) -> None:
        """Sort what waits at the taps."""
        for tap in self.taps:
            for _, index, _, kind, _, _, seconds, nanoseconds, data in tap.read():
                if kind != OUTGOING or index not in self._indexes:
                    continue
                found = identify(data)
                if found is not None and not found[0] and isinstance(found[1], int):
                    self.events.append((found[1], seconds * 1_000_000_000 + nanoseconds))


def _far_ends(network: Network, member: str) -> Iterator[Interface]:
    for link in network.links:
        for near, far in ((link.a, link.b), (link.b, link.a)):
            if near.node == member:
                yield far
