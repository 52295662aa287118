"""Routes that a membership agent writes, of an origin of their own: a daemon finds them by it."""

from __future__ import annotations

import errno
from collections.abc import Sequence

from anycastlab.kernel import messages
from anycastlab.kernel.netlink import Netlink

ORIGIN = 201
"""What the kernel calls a route's protocol (rtnetlink(7)): who wrote it. This one is nobody's."""
_ORIGIN_AT = 21  # after the header (16) and family, two lengths, TOS, table

_GONE = (errno.ESRCH, errno.ENODEV, errno.ENETUNREACH, errno.EHOSTUNREACH)


def write(netlink: Netlink, address: bytes, hops: Sequence[tuple[int, bytes]]) -> None:
    """Have a host route by (interface index, gateway) each; without hops, none."""
    length = len(address) * 8
    if hops:
        message = messages.route(address, length, hops, None)
    else:
        message = messages.delete_route(address, length)
    own = message[:_ORIGIN_AT] + bytes((ORIGIN,)) + message[_ORIGIN_AT + 1 :]
    netlink.send([own], tolerate=_GONE)
