"""AF_PACKET taps: record the packets that enter and leave a namespace, as packet(7) delivers them.

A tap sees a packet before the namespace's own filters, and a packet it lost is counted. Opening
with protocol 0 and binding last avoids one RCU grace period a tap; closing cannot (some 10 ms),
which is why taps that go together close together.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Any

from anycastlab.kernel.batch import ADDRESS, Batch
from anycastlab.kernel.bpf import Program
from anycastlab.kernel.stamps import RECEIVED, stamp_received

# the packet types of packet(7) that matter: to this host, to a group of stations, from this host
HOST, MULTICAST, OUTGOING = 0, 2, 4
LOOPBACK = 1  # the index of `lo` in every namespace

_ETH_P_ALL = 0x0003
_SOL_PACKET, _PACKET_STATISTICS = 263, 6
_SO_RCVBUFFORCE, _SO_NETNS_COOKIE = 33, 71
_SIOCGIFNAME = 0x8910
_SMALL_PACKET = 2048  # what a small packet takes of a receive buffer, generously
_SOCKADDR_LL = f"2x2sIHBB8s{ADDRESS - 20}x"

_libc = ctypes.CDLL(None, use_errno=True)

Record = tuple[bytes, int, int, int, int, bytes, int, int, bytes]
"""Protocol (two bytes as on the wire), interface index, ARP hardware type, packet type, length of
the link address, link address, seconds, nanoseconds, data from the network header on."""


def namespace_cookie(sock: socket.socket) -> bytes:
    """Identify the network namespace of a socket: eight bytes, never used again (Linux 5.14)."""
    return sock.getsockopt(socket.SOL_SOCKET, _SO_NETNS_COOKIE, 8)


def enlarge_receive_buffer(sock: socket.socket, size: int) -> None:
    """Ask for *size* bytes; without privilege the host's net.core.rmem_max is the limit."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, size)
    except PermissionError:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)


def _bind_everywhere(sock: socket.socket) -> None:
    """Start receiving all protocols on all interfaces; ``socket.bind`` insists on naming one."""
    address = struct.pack("=H2siHBB8x", socket.AF_PACKET, _ETH_P_ALL.to_bytes(2, "big"), 0, 0, 0, 0)
    if _libc.bind(sock.fileno(), address, len(address)) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


class Tap:
    """A recorder of all interfaces of the namespace in which *sock* was opened.

    *sock* is a fresh ``AF_PACKET, SOCK_DGRAM`` socket of protocol 0; the tap owns it from now on.
    *program* is a filter (:func:`anycastlab.kernel.bpf.assemble`) whose offsets count from the
    network header; *keep* is how many bytes of each packet to keep.
    """

    def __init__(
        self,
        sock: socket.socket,
        program: Program | None = None,
        *,
        keep: int = 128,
        buffer: int = 32 << 20,
        slots: int = 64,
    ) -> None:
        self._socket = sock
        if program:
            program.attach(sock)
        stamp_received(sock)
        enlarge_receive_buffer(sock, buffer)
        self._batch = Batch(struct.Struct(f"={_SOCKADDR_LL}{RECEIVED}{keep}s"), slots)
        sock.setblocking(False)
        _bind_everywhere(sock)
        self.cookie = namespace_cookie(sock)

    def fileno(self) -> int:
        """The descriptor, for polling."""
        return self._socket.fileno()

    @property
    def capacity(self) -> int:
        """How many small packets surely fit between two reads."""
        size = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        return max(1, size // _SMALL_PACKET)

    def read(self) -> Iterator[Record]:
        """Return all that waits, without blocking; data are padded with zeros to what is kept."""
        return chain.from_iterable(self._batches())

    def read_with_lengths(self) -> Iterator[tuple[int, Record]]:
        """As :meth:`read`, each record after the length of its data."""
        for records in self._batches():
            yield from zip(self._batch.lengths(), records, strict=True)

    def _batches(self) -> Iterator[Iterator[Any]]:
        batch, descriptor = self._batch, self._socket.fileno()
        while batch.receive(descriptor):
            yield batch.records()
            if not batch.full:
                return

    def lost(self) -> int:
        """How many packets the kernel dropped for want of buffer since the last call."""
        statistics = self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8)
        return int(struct.unpack("II", statistics)[1])

    def interface_name(self, index: int) -> str:
        """The name of an interface, or ``if<index>`` when it is gone."""
        request = struct.pack("16sI20x", b"", index)
        try:
            answer = fcntl.ioctl(self._socket, _SIOCGIFNAME, request)
        except OSError:
            return f"if{index}"
        return answer[:16].rstrip(b"\0").decode()

    def close(self) -> None:
        """Stop recording. Waits for an RCU grace period."""
        self._socket.close()


def close_all(taps: Collection[Tap]) -> None:
    """Close many taps in about the time one takes: the grace periods run together."""
    if not taps:
        return
    with ThreadPoolExecutor(min(len(taps), 64)) as pool:
        list(pool.map(Tap.close, taps))
