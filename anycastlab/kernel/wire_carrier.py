"""The carrier of a wire: an end that loses it is seen to lose it at the other end.

A wire is two veth pairs with a process between them, so the kernel passes no carrier on. Taking
down the process's end of one pair takes the carrier from that pair's node. At most one of the two
is ever down: the other must stay up to tell when its own node is back.
"""

from __future__ import annotations

import errno
from struct import Struct

from anycastlab.kernel import messages
from anycastlab.kernel.netlink import Netlink

_FLAGS = Struct("=8xI")  # ifi_flags of struct ifinfomsg
_INDEX = Struct("=4xi")
_LOWER_UP = 0x10000
_GONE = (errno.ENODEV,)


class Interfaces:
    """The interfaces of the caller's own namespace: their carriers, and taking them up and down."""

    def __init__(self) -> None:
        self._netlink = Netlink()

    def has_carrier(self, index: int) -> bool:
        """Whether the interface, and what it is joined to, are up; False when it is gone."""
        found = self._netlink.get(messages.get_link(index))
        return found is not None and bool(_FLAGS.unpack_from(found)[0] & _LOWER_UP)

    def set_up(self, index: int) -> None:
        """Set an interface up; one that is gone is left so."""
        self._netlink.send([messages.link_up(index)], tolerate=_GONE)

    def set_down(self, index: int) -> None:
        """Set an interface down; one that is gone is left so."""
        self._netlink.send([messages.link_down(index)], tolerate=_GONE)


def changed(payload: bytes) -> int:
    """The index of the interface a link event is about."""
    return int(_INDEX.unpack_from(payload)[0])


class Carrier:
    """Mirrors the carrier between the two ends of one wire."""

    def __init__(self, interfaces: Interfaces, ends: tuple[int, int]) -> None:
        self._interfaces, self._ends = interfaces, ends
        self._lowered: int | None = None
        for end in ends:
            interfaces.set_up(end)
        self.settle()

    def settle(self) -> None:
        """Make both ends agree; to be called when something has changed at either."""
        a, b = self._ends
        if self._lowered is not None:
            if not self._interfaces.has_carrier(a if self._lowered == b else b):
                return
            self._interfaces.set_up(self._lowered)
            self._lowered = None
        for end, other in ((a, b), (b, a)):
            if not self._interfaces.has_carrier(end):
                self._interfaces.set_down(other)
                self._lowered = other
                return
