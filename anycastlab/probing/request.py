"""A UDP request to the identity service; the answer names the instance."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from anycastlab.components.identity_wire import (
    IDENTITY_PORT,
    NUMBER_AT,
    instance_of,
    number_of,
    request,
)
from anycastlab.kernel.outgoing import Outgoing
from anycastlab.probing.dialect import Answer, open_stamping
from anycastlab.topology.network import Family


class Request:
    """Requests on an ordinary UDP socket, whatever address the answer comes from."""

    port = IDENTITY_PORT
    blank = request(0)

    def __init__(self, family: Family) -> None:
        self._family: Family = family

    def open(self, source: str) -> socket.socket:
        """Open a UDP socket."""
        return open_stamping(source, self._family, socket.SOCK_DGRAM, socket.IPPROTO_UDP)

    def packet(self, probe: int, addresses: int) -> bytes:
        """Make a request; the kernel puts the header before it."""
        del addresses
        return request(probe)

    def load(self, outgoing: Outgoing, first: int, addresses: Sequence[int]) -> None:
        """Make requests."""
        outgoing.scatter("I", NUMBER_AT, range(first, first + len(addresses)))

    def answer(self, data: bytes) -> Answer | None:
        """Read an answer. A record is padded with zeros, which no name holds."""
        number = number_of(data)
        return None if number is None else (number, False, instance_of(data).rstrip("\0"))
