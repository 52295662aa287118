"""The kernel's own IPv6 anycast: addresses a namespace answers for and never sends from.

Linux has it as a membership, like that in a multicast group: it lasts as long as the socket that
joined. It is shown in /proc/net/anycast6.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from struct import Struct

from anycastlab.kernel import namespace

_JOIN, _LEAVE = 27, 28  # IPV6_JOIN_ANYCAST, IPV6_LEAVE_ANYCAST
_index = Struct("=I").pack


def join(held: int, addresses: Iterable[tuple[bytes, int]]) -> socket.socket:
    """Join (address, interface index) in the namespace *held*, for the life of the socket returned.

    An interface answers Neighbour Solicitations for what was joined on it; packets are taken in
    whichever way they come. Only a router may join what is of no prefix of the interface. Raises
    OSError.
    """
    sock = namespace.open_socket(held, socket.AF_INET6, socket.SOCK_DGRAM)
    try:
        for packed, index in addresses:
            join_again(sock, packed, index)
    except OSError:
        sock.close()
        raise
    return sock


def join_again(sock: socket.socket, packed: bytes, index: int) -> None:
    """Join one that was left. Raises OSError."""
    sock.setsockopt(socket.IPPROTO_IPV6, _JOIN, packed + _index(index))


def leave(sock: socket.socket, packed: bytes, index: int) -> None:
    """Leave one that the socket has joined. Raises OSError."""
    sock.setsockopt(socket.IPPROTO_IPV6, _LEAVE, packed + _index(index))
