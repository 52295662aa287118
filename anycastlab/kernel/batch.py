"""Many packets a system call: recvmmsg(2) into one block of fixed records.

A record is ``address (32 bytes) | control (128 bytes) | data``; one ``struct.Struct`` describes all
of it, so a batch is taken apart by a single ``iter_unpack``. The caller's Struct knows which
control messages its socket options produce, and in which order. Layouts are those of 64-bit Linux.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
from collections.abc import Iterator
from typing import Any

ADDRESS, CONTROL = 32, 128
_HEADER = struct.Struct("@PIPNPNi4xI4x")  # struct mmsghdr
_VECTOR = struct.Struct("@PN")  # struct iovec
_LENGTH = struct.Struct("@56xI4x")  # msg_len of struct mmsghdr

_DONTWAIT = int(socket.MSG_DONTWAIT)  # as an IntFlag it would be slow to combine
_AGAIN = (errno.EAGAIN, errno.EINTR)
_recvmmsg = ctypes.CDLL(None, use_errno=True).recvmmsg


class Batch:
    """Room for *slots* packets, each taken apart by *record*, whose size is that of one slot."""

    def __init__(self, record: struct.Struct, slots: int = 64) -> None:
        self._record, self._slots, self._used = record, slots, 0
        size = record.size
        self._block = ctypes.create_string_buffer(size * slots)
        self._vectors = ctypes.create_string_buffer(_VECTOR.size * slots)
        base, vectors = ctypes.addressof(self._block), ctypes.addressof(self._vectors)
        headers = bytearray()
        for slot in range(slots):
            start, vector = base + slot * size, slot * _VECTOR.size
            data = start + ADDRESS + CONTROL
            _VECTOR.pack_into(self._vectors, vector, data, size - ADDRESS - CONTROL)
            headers += _HEADER.pack(
                start, ADDRESS, vectors + vector, 1, start + ADDRESS, CONTROL, 0, 0
            )
        self._fresh = bytes(headers)
        self._headers = ctypes.create_string_buffer(self._fresh, len(self._fresh))
        self._pointer = ctypes.addressof(self._headers)
        self._view, self._lengths = memoryview(self._block), memoryview(self._headers)

    def receive(self, descriptor: int, flags: int = 0) -> int:
        """Receive what waits at a socket, without blocking; return how many packets (0: none).

        What an earlier batch left is cleared first: a missing time stamp reads as 0.
        """
        if self._used:
            ctypes.memset(self._block, 0, self._used * self._record.size)
            ctypes.memmove(self._headers, self._fresh, self._used * _HEADER.size)
        got = _recvmmsg(
            descriptor,
            ctypes.c_void_p(self._pointer),
            self._slots,
            flags | _DONTWAIT,
            None,
        )
        self._used = max(got, 0)
        if got < 0 and ctypes.get_errno() not in _AGAIN:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return self._used

    @property
    def full(self) -> bool:
        """Whether more may wait than the last call could take."""
        return self._used == self._slots

    def records(self) -> Iterator[tuple[Any, ...]]:
        """Take the packets of the last call apart."""
        return self._record.iter_unpack(self._view[: self._used * self._record.size])

    def lengths(self) -> Iterator[int]:
        """The data lengths of the packets of the last call, in bytes."""
        return (one[0] for one in _LENGTH.iter_unpack(self._lengths[: self._used * _HEADER.size]))
