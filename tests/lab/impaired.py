"""A lab with impaired links, and numbered datagrams through them."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from struct import Struct
from threading import Event
from typing import NamedTuple

from anycastlab.lab.handle import Lab

LINE = """\
name: {name}
nodes: {{r1: router, r2: router, c1: client, s1: server, s2: server}}
links:
  - [c1, r1]
  - {{endpoints: [r1, r2], {slow}}}
  - [s1, r2]
  - {{endpoints: [s2, r1], cost: 10}}
anycast:
  A: {{members: [s1, s2]}}
"""
"""c1 reaches s1 over the link r1-r2; its requests and the answers are impaired once each."""

PORT = 9
_SO_TIMESTAMPNS = 35
_TIMESPEC = Struct("@qq")


class Arrival(NamedTuple):
    """A datagram's number, and how many seconds it took."""

    number: int
    seconds: float


def eventually(condition: Callable[[], bool], within: float = 5.0) -> bool:
    """Look again and again until it holds, or time is up."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            return False
        Event().wait(0.005)
    return True


def blast(lab: Lab, count: int, size: int = 100, quiet: float = 0.3) -> list[Arrival]:
    """Send *count* datagrams of *size* bytes from r1 to r2 at once; return those that arrived.

    It ends when nothing has come for *quiet* seconds.
    """
    target = str(lab.network.links[1].b.ipv4.ip)
    with (
        lab.socket("r1", socket.AF_INET, socket.SOCK_DGRAM) as sender,
        lab.socket("r2", socket.AF_INET, socket.SOCK_DGRAM) as receiver,
    ):
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8 << 20)
        receiver.bind((target, PORT))
        receiver.settimeout(quiet)
        receiver.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        sent = []
        for number in range(count):
            sent.append(time.time())
            sender.sendto(number.to_bytes(4, "big").ljust(size, b"\0"), (target, PORT))
        found = []
        try:
            while True:
                data, [(_, _, stamp)], *_ = receiver.recvmsg(2000, 64)
                seconds, nanoseconds = _TIMESPEC.unpack(stamp)
                number = int.from_bytes(data[:4], "big")
                arrived = seconds + nanoseconds / 1e9  # by the kernel: nobody reads them yet
                found.append(Arrival(number, arrived - sent[number]))
        except TimeoutError:
            return found
