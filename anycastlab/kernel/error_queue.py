"""The queue of errors the network reported about a socket, read so that polling can rest."""

from __future__ import annotations

import socket

_AT_MOST = 512


def forget_errors(sock: socket.socket) -> None:
    """Empty the queue: as long as an ICMP error is in it, every poll of the socket returns at once.

    Linux keeps there what an ICMP error said of a SYN, asked for or not.
    """
    while True:
        try:
            sock.recvmsg(1, _AT_MOST, socket.MSG_ERRQUEUE | socket.MSG_DONTWAIT)
        except OSError:  # it is empty
            return
