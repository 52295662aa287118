"""The packet socket of an agent: whole IP packets of one protocol, in and out of a node.

It sees packets before the kernel's own checks, so that what is malformed can be counted, and needs
no group membership of the kernel's.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from typing import TypeAlias

from anycastlab.components.base import Place
from anycastlab.components.membership.craft import Outgoing
from anycastlab.kernel.bpf import Program
from anycastlab.kernel.packet import HOST, enlarge_receive_buffer

Handler: TypeAlias = Callable[[str, bytes, bytes], None]
"""Called with the interface's name, the sender's link address and the packet."""

_BROADCAST, _MULTICAST = 1, 2
_TO_US = frozenset({HOST, _BROADCAST, _MULTICAST})  # packet(7): not to others, not from ourselves
_SOL_PACKET, _STATISTICS, _IGNORE_OUTGOING = 263, 6, 23
_AT_ONCE = 256
"""Packets read before others in the loop get their turn."""
_LONGEST = 2048
_BUFFER = 4 << 20


class Link:
    """All interfaces of a node, for one link protocol and what *program* lets through."""

    def __init__(self, place: Place, ethertype: int, program: Program, handler: Handler) -> None:
        self._place, self._handler = place, handler
        self._ethertype = ethertype
        protocol = socket.htons(ethertype)
        self._socket = place.socket(socket.AF_PACKET, socket.SOCK_DGRAM, protocol)
        program.attach(self._socket)
        self._socket.setsockopt(_SOL_PACKET, _IGNORE_OUTGOING, 1)
        self._socket.setblocking(False)
        enlarge_receive_buffer(self._socket, _BUFFER)
        self._lost = 0
        place.watch(self._socket, lambda _: self.read(_AT_ONCE))

    def read(self, most: int) -> None:
        """Hand on what has come, at most so many packets."""
        handler = self._handler
        for _ in range(most):
            try:
                packet, (name, _protocol, kind, _type, mac) = self._socket.recvfrom(_LONGEST)
            except BlockingIOError:
                return
            except OSError:  # an interface went down; the others are there
                continue
            if kind in _TO_US:
                handler(name, mac, packet)

    def send(self, interface: str, outgoing: Outgoing) -> None:
        """Send a packet; on an interface that is gone or down it is lost, as it would be later."""
        address = (interface, self._ethertype, 0, 0, outgoing.mac)
        try:
            self._socket.sendto(outgoing.packet, address)
        except OSError:
            return

    def lost(self) -> int:
        """How many packets the kernel has dropped for want of buffer."""
        statistics = self._socket.getsockopt(_SOL_PACKET, _STATISTICS, 8)
        self._lost += struct.unpack("II", statistics)[1]
        return self._lost

    def close(self) -> None:
        """Watch no more."""
        self._place.unwatch(self._socket)
        self._socket.close()
