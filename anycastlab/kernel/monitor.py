"""One netlink socket that hears what the kernel does in many namespaces, and when.

It lives in a namespace of its own, in which the watched ones have numbers (NETLINK_LISTEN_ALL_NSID
of netlink(7), RTM_NEWNSID of linux/net_namespace.h): one listener for all, since each notification
of the kernel walks the list of all listeners of the machine.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import socket
import struct
import threading
import time
from collections.abc import Iterator
from typing import NamedTuple

from anycastlab.kernel import namespace
from anycastlab.kernel.messages import GROUP_LINKS
from anycastlab.kernel.netlink import Netlink, split
from anycastlab.kernel.pacing import be_punctual
from anycastlab.kernel.packet import enlarge_receive_buffer
from anycastlab.kernel.routes import GROUPS as GROUP_ROUTES

_NEWNSID = 88
_NSID, _FD = 1, 3
_NEW_ID = struct.Struct("=IHHII4xHHiHHI")  # a header, struct rtgenmsg, two attributes of 4 bytes
_SOL_NETLINK, _LISTEN_ALL_NSID = 270, 8
_SIOCGSKNS = 0x894C
_BUFFER = 16 << 20
_NUMBER = struct.Struct("=i")


class Event(NamedTuple):
    """A notification: when it was read (ns, real time), from where, its type, what follows it."""

    stamp: int
    name: str
    kind: int
    payload: bytes


class Monitor:
    """Records link and route events of the namespaces it is told to watch, in a thread of its own.

    The kernel does not stamp netlink messages: an event's time is when the thread read it, on a
    busy host some tenths of a ms after it happened. ``lost``: the kernel had to drop some.
    """

    def __init__(self) -> None:
        with namespace.returning_home():
            own = namespace.create()
        try:
            self._control, self._listener = Netlink(own), Netlink(own)
        finally:
            os.close(own)
        sock = self._listener.socket
        sock.setsockopt(_SOL_NETLINK, _LISTEN_ALL_NSID, 1)
        enlarge_receive_buffer(sock, _BUFFER)
        sock.bind((0, GROUP_LINKS | GROUP_ROUTES))
        self._names: list[str] = []
        self._heard: list[tuple[int, int, bytes]] = []
        self.lost = False
        self._wake = os.eventfd(0, os.EFD_CLOEXEC)
        self._thread = threading.Thread(target=self._listen, name="monitor", daemon=True)

    def watch(self, name: str, there: socket.socket) -> None:
        """Watch the namespace a socket was opened in."""
        descriptor = fcntl.ioctl(there, _SIOCGSKNS)
        try:
            number = len(self._names)
            request = _NEW_ID.pack(
                _NEW_ID.size, _NEWNSID, 1, 0, 0, 8, _NSID, number, 8, _FD, descriptor
            )
            self._control.send([request])
        finally:
            os.close(descriptor)
        self._names.append(name)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def _listen(self) -> None:
        be_punctual()
        sock, heard = self._listener.socket, self._heard
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        while self._wake not in [ready for ready, _ in poll.poll()]:
            try:
                data, ancillary, _, _ = sock.recvmsg(1 << 16, 64, socket.MSG_DONTWAIT)
            except OSError as error:
                if error.errno not in (errno.ENOBUFS, errno.EAGAIN):
                    raise
                self.lost |= error.errno == errno.ENOBUFS
                continue
            if ancillary:  # the number of the namespace; none for this listener's own
                heard.append((time.time_ns(), _NUMBER.unpack(ancillary[0][2])[0], data))

    def stop(self) -> None:
        """Stop listening; what has been heard stays."""
        if self._thread.is_alive():
            os.eventfd_write(self._wake, 1)
            self._thread.join()

    def events(self) -> Iterator[Event]:
        """What has been heard, in order."""
        for stamp, number, data in self._heard:
            for kind, _flags, _sequence, payload in split(data):
                yield Event(stamp, self._names[number], kind, payload)

    def close(self) -> None:
        """Stop, and let the numbers and the namespace go."""
        self.stop()
        os.close(self._wake)
        self._control.close()
        self._listener.close()
