"""Many packets a system call: sendmmsg(2) from headers that are prepared once.

Besides saving calls this keeps the loop that makes the packets apart from the kernel's work on
them: after each call an interpreter runs slowly for a while, its code gone from the caches.
"""

from __future__ import annotations

import ctypes
import errno
import socket
import struct
from collections.abc import Iterable, Sequence

_HEADER = struct.Struct("@PIPNPNi4xI4x")  # struct mmsghdr
_VECTOR = struct.Struct("@PN")  # struct iovec

_sendmmsg = ctypes.CDLL(None, use_errno=True).sendmmsg


def socket_address(address: bytes, port: int) -> bytes:
    """Return the ``struct sockaddr_in`` or ``sockaddr_in6`` of a packed address."""
    if len(address) == 4:
        return struct.pack("=H2s4s8x", socket.AF_INET, port.to_bytes(2, "big"), address)
    return struct.pack("=H2s4x16s4x", socket.AF_INET6, port.to_bytes(2, "big"), address)


class Outgoing:
    """Packets of *size* bytes, one to each of *addresses*, sent from one socket or another."""

    def __init__(self, addresses: Sequence[bytes], size: int) -> None:
        count, width = len(addresses), len(addresses[0])
        self._names = ctypes.create_string_buffer(b"".join(addresses), count * width)
        self._data = ctypes.create_string_buffer(count * size)
        names, data = ctypes.addressof(self._names), ctypes.addressof(self._data)
        pieces = b"".join(_VECTOR.pack(data + slot * size, size) for slot in range(count))
        self._vectors = ctypes.create_string_buffer(pieces, len(pieces))
        vectors = ctypes.addressof(self._vectors)
        headers = b"".join(
            _HEADER.pack(names + slot * width, width, vectors + slot * _VECTOR.size, 1, 0, 0, 0, 0)
            for slot in range(count)
        )
        self._headers = ctypes.create_string_buffer(headers, len(headers))
        self._first = ctypes.addressof(self._headers)

    def load(self, packets: Iterable[bytes]) -> None:
        """Put the packets in place, one for each address."""
        data = b"".join(packets)
        ctypes.memmove(self._data, data, len(self._data))

    def send(self, descriptor: int, start: int, count: int) -> int:
        """Send *count* packets from number *start* on; return how many went.

        0 means that the first of them cannot be sent: no route, or refused on this very host.
        """
        at = ctypes.c_void_p(self._first + start * _HEADER.size)
        while True:
            sent = int(_sendmmsg(descriptor, at, count, 0))
            if sent >= 0 or ctypes.get_errno() != errno.EINTR:
                return max(sent, 0)
