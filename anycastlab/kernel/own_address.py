"""A host address that comes to an interface and goes, while the node runs."""

from __future__ import annotations

import errno
from struct import pack_into

from anycastlab.kernel import messages
from anycastlab.kernel.netlink import Netlink

_DELADDR = 21
_GONE = (errno.EADDRNOTAVAIL, errno.ENODEV)


def write(netlink: Netlink, index: int, address: bytes, there: bool) -> None:
    """Give an interface an address, or take it away; either may have been done already."""
    message = bytearray(messages.address(index, address, len(address) * 8))
    if not there:
        pack_into("=H", message, 4, _DELADDR)
    netlink.send([bytes(message)], tolerate=_GONE)
