"""The kernel's own time stamps of packets sent and received (timestamping.rst of the kernel).

All are nanoseconds of the real-time clock, taken in the network stack and not when Python reads.
"""

from __future__ import annotations

import socket

from anycastlab.kernel.batch import ADDRESS, CONTROL

_SO_TIMESTAMPNS_NEW, _SO_TIMESTAMPING_NEW = 64, 65
_TX_SCHED, _RX_SOFTWARE, _SOFTWARE, _OPT_ID, _OPT_TSONLY = 0x100, 0x8, 0x10, 0x80, 0x800
_BOTH_WAYS = _TX_SCHED | _RX_SOFTWARE | _SOFTWARE | _OPT_ID | _OPT_TSONLY

_CMSG = "16x"  # struct cmsghdr: length, level, type
RECEIVED = f"{_CMSG}qq{CONTROL - 32}x"
"""The control part of a record received after either call below: seconds, nanoseconds."""

SENT = f"={ADDRESS}x{_CMSG}qq32x{_CMSG}12xI{CONTROL - 96}x"
"""A record of the error queue after :func:`stamp_both_ways`: seconds, nanoseconds, number.

SCM_TIMESTAMPING comes first, ``struct sock_extended_err`` second; the number counts the packets
sent on the socket, from 0.
"""


def stamp_received(sock: socket.socket) -> None:
    """Have every packet received carry the time it entered the host."""
    sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS_NEW, 1)


def stamp_both_ways(sock: socket.socket) -> None:
    """Also put the time each packet left into the error queue, without the packet itself.

    It is taken before the interface's queue, which may delay packets (netem) or drop them: a
    round trip counts the sender's own link too.
    """
    sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPING_NEW, _BOTH_WAYS)


def number_afresh(sock: socket.socket) -> None:
    """Number the packets sent from 0 again."""
    sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPING_NEW, 0)
    stamp_both_ways(sock)
