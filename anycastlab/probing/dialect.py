"""How a datagram-like probe is spoken: its socket, its packets, and its answers."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Protocol

from anycastlab.kernel.outgoing import Outgoing
from anycastlab.kernel.stamps import stamp_both_ways
from anycastlab.probing.plan import address_family
from anycastlab.topology.network import Address, Family, Network

Answer = tuple[int, bool, str | None]
"""The probe's id, whether it was refused (no answer will come), the instance's name if given."""


class Dialect(Protocol):
    """One protocol of one family."""

    @property
    def port(self) -> int:
        """The destination port for ``sendto`` (0 for raw sockets)."""
        ...

    @property
    def blank(self) -> bytes:
        """A probe, but for what :meth:`load` puts in."""
        ...

    def open(self, source: str) -> socket.socket:
        """Open a socket with that address in the namespace the calling thread is in."""
        ...

    def packet(self, probe: int, addresses: int) -> bytes:
        """Make a probe; *addresses* is the sum of both addresses' 16-bit words."""
        ...

    def load(self, outgoing: Outgoing, first: int, addresses: Sequence[int]) -> None:
        """Make the probes from *first* on; *addresses* has such a sum for each."""
        ...

    def answer(self, data: bytes) -> Answer | None:
        """Read what the socket received; None when it is no answer to a probe."""
        ...


def source_of(network: Network, client: str, family: Family) -> Address:
    """The address a client sends from: its loopback's."""
    node = network.nodes[client]
    return node.ipv4 if family == 4 else node.ipv6


def open_stamping(source: str, family: Family, kind: int, protocol: int) -> socket.socket:
    """Open a socket bound to the client's own address, with time stamps both ways.

    It stays blocking: a full send buffer makes the sender wait, and is not taken for a dead end.
    """
    sock = socket.socket(address_family(family), kind, protocol)
    stamp_both_ways(sock)
    sock.bind((source, 0))
    return sock
