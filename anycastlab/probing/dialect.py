"""How a datagram-like probe is spoken: its socket, its packets, and its answers."""

from __future__ import annotations

import socket
from typing import Protocol

from anycastlab.kernel.stamps import stamp_both_ways
from anycastlab.probing.nodes import Nodes
from anycastlab.probing.plan import address_family
from anycastlab.topology.network import Address, Family

Answer = tuple[int, bool, str | None]
"""The probe's id, whether it was refused (no answer will come), the instance's name if given."""


class Dialect(Protocol):
    """One protocol of one family."""

    @property
    def port(self) -> int:
        """The destination port for ``sendto`` (0 for raw sockets)."""
        ...

    def open(self, nodes: Nodes, client: str) -> socket.socket:
        """Open a socket for it in a client; raises UsageError when the client is dead."""
        ...

    def packet(self, probe: int, addresses: int) -> bytes:
        """Make a probe; *addresses* is the sum of both addresses' 16-bit words."""
        ...

    def answer(self, data: bytes) -> Answer | None:
        """Read what the socket received; None when it is no answer to a probe."""
        ...


def source_of(nodes: Nodes, client: str, family: Family) -> Address:
    """The address a client sends from: its loopback's."""
    node = nodes.network.nodes[client]
    return node.ipv4 if family == 4 else node.ipv6


def open_stamping(
    nodes: Nodes, client: str, family: Family, kind: int, protocol: int
) -> socket.socket:
    """Open a socket bound to the client's own address, with time stamps both ways.

    It stays blocking: a full send buffer makes the sender wait, and is not taken for a dead end.
    """
    sock = nodes.socket(client, address_family(family), kind, protocol)
    stamp_both_ways(sock)
    sock.bind((str(source_of(nodes, client, family)), 0))
    return sock
