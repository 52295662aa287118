"""A UDP request to the identity service; the answer names the instance."""

from __future__ import annotations

import socket

from anycastlab.components.identity_wire import IDENTITY_PORT, instance_of, number_of, request
from anycastlab.probing.dialect import Answer, open_stamping
from anycastlab.probing.nodes import Nodes
from anycastlab.topology.network import Family


class Request:
    """Requests on an ordinary UDP socket, whatever address the answer comes from."""

    port = IDENTITY_PORT

    def __init__(self, family: Family) -> None:
        self._family: Family = family

    def open(self, nodes: Nodes, client: str) -> socket.socket:
        """Open a UDP socket."""
        return open_stamping(nodes, client, self._family, socket.SOCK_DGRAM, socket.IPPROTO_UDP)

    def packet(self, probe: int, addresses: int) -> bytes:
        """Make a request; the kernel puts the header before it."""
        del addresses
        return request(probe)

    def answer(self, data: bytes) -> Answer | None:
        """Read an answer. A record is padded with zeros, which no name holds."""
        number = number_of(data)
        return None if number is None else (number, False, instance_of(data).rstrip("\0"))
