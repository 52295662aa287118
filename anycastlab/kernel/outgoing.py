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
from typing import Literal

_HEADER = struct.Struct("@PIPNPNi4xI4x")  # struct mmsghdr
_VECTOR = struct.Struct("@PN")  # struct iovec

_sendmmsg = ctypes.CDLL(None, use_errno=True).sendmmsg


def socket_address(address: bytes, port: int) -> bytes:
    """Return the ``struct sockaddr_in`` or ``sockaddr_in6`` of a packed address."""
    if len(address) == 4:
        return struct.pack("=H2s4s8x", socket.AF_INET, port.to_bytes(2, "big"), address)
    return struct.pack("=H2s4x16s4x", socket.AF_INET6, port.to_bytes(2, "big"), address)


class Outgoing:
    """A packet to each of *addresses*, sent from one socket or another.

    All are *blank* (a multiple of four bytes) but for what is scattered over them.
    """

    def __init__(self, addresses: Sequence[bytes], blank: bytes) -> None:
        count, width, size = len(addresses), len(addresses[0]), len(blank)
        self._count, self._size = count, size
        self._names = ctypes.create_string_buffer(b"".join(addresses), count * width)
        self._data = ctypes.create_string_buffer(blank * count, count * size)
        whole = memoryview(self._data).cast("B")
        self._fields = {"H": whole.cast("H"), "I": whole.cast("I")}
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

    def scatter(self, code: Literal["H", "I"], offset: int, values: Iterable[int]) -> None:
        """Put one value into each packet, two or four bytes in network byte order at *offset*."""
        data = struct.pack(f"!{self._count}{code}", *values)
        size = struct.calcsize(code)
        self._fields[code][offset // size :: self._size // size] = memoryview(data).cast(code)

    def send(self, descriptor: int, start: int, count: int) -> int:
        """Send *count* packets from number *start* on; return how many went.

        0 means that the first of them cannot be sent: no route, or refused on this very host.
        """
        at = ctypes.c_void_p(self._first + start * _HEADER.size)
        while True:
            sent = int(_sendmmsg(descriptor, at, count, 0))
            if sent >= 0 or ctypes.get_errno() != errno.EINTR:
                return max(sent, 0)
