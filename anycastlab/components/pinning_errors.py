"""Path MTU discovery beneath the pinning option: what the way takes is less by the option's length.

A router says how large a packet may be, option and all (RFC 1191, section 4). The client's kernel,
which knows of no option, would send as large packets as that, and the option would make them too
large again, for ever: so the message is told once more, with what is left for the kernel's own.
"""

from __future__ import annotations

import socket

from anycastlab.components.base import Place, Socket
from anycastlab.components.pinning_wire import LENGTH, unpinned
from anycastlab.kernel.checksum import checksum

_UNREACHABLE, _TOO_BIG = 3, 4
_AT_ONCE = 64
_LARGEST = 2048


class TooBigRelay:
    """Reads a node's ICMP messages of packets too big, and tells those about pinned ones again."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.relayed = 0
        self._reader = place.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        self._reader.setblocking(False)
        self._sender: Socket = place.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        place.watch(self._reader, self._read)

    def close(self) -> None:
        """Read no more."""
        self._place.unwatch(self._reader)
        self._reader.close()
        self._sender.close()

    def _read(self, reader: Socket) -> None:
        for _ in range(_AT_ONCE):
            try:
                packet = reader.recv(_LARGEST)
            except OSError:
                return
            told = retold(packet)
            if told is not None:
                self._sender.sendto(told, (socket.inet_ntoa(told[16:20]), 0))
                self.relayed += 1


def retold(packet: bytes) -> bytes | None:
    """The same message about the packet as it was without the option; None if it had none."""
    at = (packet[0] & 15) * 4
    message = packet[at:]
    if message[:2] != bytes((_UNREACHABLE, _TOO_BIG)):
        return None
    quoted, size = unpinned(message[8:]), int.from_bytes(message[6:8], "big")
    if quoted is None or size <= LENGTH:
        return None
    body = message[:2] + bytes(4) + (size - LENGTH).to_bytes(2, "big") + quoted
    return packet[:at] + body[:2] + checksum(body).to_bytes(2, "big") + body[4:]
