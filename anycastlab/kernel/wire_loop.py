"""The loop that carries the frames of all wires: in at one end, out at the other when it is time.

Each end is an AF_PACKET socket on a veth whose peer is in a node. Frames keep what the sending
kernel has put off (checksums, segmentation) in a header before them, packet(7), PACKET_VNET_HDR, so
nothing is switched off in the nodes.
"""

from __future__ import annotations

import ctypes
import os
import select
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from heapq import heappop, heappush
from itertools import count
from struct import Struct
from time import CLOCK_MONOTONIC, monotonic_ns

from anycastlab.kernel import messages
from anycastlab.kernel.netlink import Netlink, split
from anycastlab.kernel.packet import enlarge_receive_buffer
from anycastlab.kernel.wire import Way
from anycastlab.kernel.wire_carrier import Carrier, Interfaces, changed
from anycastlab.topology.network import Impairment

_ETH_P_ALL = 0x0003
_SOL_PACKET, _VNET_HDR, _QDISC_BYPASS, _IGNORE_OUTGOING = 263, 15, 20, 23
_VNET_LENGTH = 10
_LARGEST = _VNET_LENGTH + (1 << 16) + 64
_BUFFER = 8 << 20
_AT_ONCE = 64
"""Frames taken from one end before others get their turn."""

_TFD_NONBLOCK_CLOEXEC, _TFD_ABSOLUTE = 0o2004000, 1
_ITIMER = Struct("@qqqq")
_libc = ctypes.CDLL(None, use_errno=True)


class _Timer:
    """A timerfd(2): epoll's own time-out counts whole milliseconds."""

    def __init__(self) -> None:
        self.descriptor = _libc.timerfd_create(CLOCK_MONOTONIC, _TFD_NONBLOCK_CLOEXEC)
        if self.descriptor < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        self._set_for = 0

    def set(self, due: int) -> None:
        """Become readable at *due* (monotonic nanoseconds), and not before; 0: never."""
        if due != self._set_for:
            when = _ITIMER.pack(0, 0, *divmod(due, 1_000_000_000))
            _libc.timerfd_settime(self.descriptor, _TFD_ABSOLUTE, when, None)
            self._set_for = due


class _End:
    """One end of a wire, and the way that begins there."""

    def __init__(self, index: int, impairment: Impairment) -> None:
        self.index, self.way = index, Way(impairment)
        self.other = self
        end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
        for option in (_VNET_HDR, _QDISC_BYPASS, _IGNORE_OUTGOING):
            end.setsockopt(_SOL_PACKET, option, 1)
        enlarge_receive_buffer(end, _BUFFER)
        end.setblocking(False)
        end.bind((socket.if_indextoname(index), _ETH_P_ALL))
        self.socket = end

    def put(self, frame: bytes | memoryview) -> None:
        """Let a frame out at the other end; it is lost if that end is down or gone."""
        self.way.inside -= 1
        with suppress(OSError):
            self.other.socket.send(frame)


class _Wire:
    def __init__(self, indexes: tuple[int, int], impairment: Impairment, nic: Interfaces) -> None:
        a, b = self.ends = tuple([_End(index, impairment) for index in indexes])
        a.other, b.other = b, a
        self.carrier = Carrier(nic, indexes)


class Loop:
    """Carries frames between the ends of wires in the caller's own namespace."""

    def __init__(self) -> None:
        self._wires: dict[str, _Wire] = {}
        self._by_index: dict[int, str] = {}
        self._heap: list[tuple[int, int, _End, bytes]] = []
        self._count = count()
        self._buffer = memoryview(bytearray(_LARGEST))
        self._interfaces = Interfaces()
        self._events = Netlink(groups=messages.GROUP_LINKS)
        self._events.socket.setblocking(False)
        self._epoll = select.epoll()
        self._timer = _Timer()
        self._ready: dict[int, Callable[[], None]] = {}
        self.watch(self._events.socket.fileno(), self._heed)
        self.watch(self._timer.descriptor, lambda: None)

    def watch(self, descriptor: int, ready: Callable[[], None]) -> None:
        """Call *ready* whenever a descriptor can be read."""
        self._ready[descriptor] = ready
        self._epoll.register(descriptor, select.EPOLLIN)

    def run(self) -> None:
        """Carry frames, for ever."""
        while True:
            self._put_due()
            for descriptor, _events in self._epoll.poll():
                ready = self._ready.get(descriptor)
                if ready is not None:  # not forgotten by one before it
                    ready()

    # -- wires --------------------------------------------------------------------------------

    def add(self, name: str, indexes: tuple[int, int], impairment: Impairment) -> None:
        """Begin to carry frames between two interfaces."""
        self._heed()  # one of the same name and indexes may just have gone
        wire = _Wire(indexes, impairment, self._interfaces)
        self._wires[name] = wire
        for end in wire.ends:
            self._by_index[end.index] = name
            self.watch(end.socket.fileno(), partial(self._take, end))

    def impair(self, name: str, impairment: Impairment) -> None:
        """Do something else to frames that go in from now on."""
        for end in self._wires[name].ends:
            inside = end.way.inside
            end.way = Way(impairment)
            end.way.inside = inside

    def _forget(self, name: str) -> None:
        for end in self._wires.pop(name).ends:
            del self._by_index[end.index], self._ready[end.socket.fileno()]
            end.socket.close()

    def _heed(self) -> None:
        """Act on interfaces that have changed or gone."""
        try:
            while True:
                for kind, _flags, _sequence, payload in split(self._events.socket.recv(1 << 16)):
                    name = self._by_index.get(changed(payload))
                    if name is None:
                        continue
                    if kind == messages.DELLINK:
                        self._forget(name)
                    else:
                        self._wires[name].carrier.settle()
        except BlockingIOError:
            return
        except OSError:  # events were lost: look everywhere
            for wire in self._wires.values():
                wire.carrier.settle()

    # -- frames -------------------------------------------------------------------------------

    def _take(self, end: _End) -> None:
        receive, buffer = end.socket.recv_into, self._buffer
        for _ in range(_AT_ONCE):
            try:
                length = receive(buffer)
            except OSError:  # nothing more, or the end is down
                return
            now = monotonic_ns()
            for due in end.way.admit(now, length - _VNET_LENGTH):
                if due <= now:
                    end.put(buffer[:length])
                else:
                    heappush(self._heap, (due, next(self._count), end, bytes(buffer[:length])))

    def _put_due(self) -> None:
        heap = self._heap
        now = monotonic_ns()
        while heap and heap[0][0] <= now:
            _due, _number, end, frame = heappop(heap)
            end.put(frame)
        self._timer.set(heap[0][0] if heap else 0)
