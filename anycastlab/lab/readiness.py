"""When a namespace is ready: every interface that is up has a carrier and sends; addresses hear.

A new interface reports its carrier a moment before the kernel gives it a queue; what is sent in
between is lost without a word. Its operational state (RFC 2863) tells when it sends. An IPv6
address is there at once, but the kernel takes in what is sent to it only when it has, in the
background, put up a local route.
"""

from __future__ import annotations

import time
from struct import Struct

from anycastlab.kernel import messages
from anycastlab.kernel.local import is_local
from anycastlab.kernel.netlink import Netlink
from anycastlab.topology.network import Address

_IFINFO = Struct("=BxHiII")
_UP, _RUNNING, _LOWER_UP = 0x1, 0x40, 0x10000
_WANTED = _UP | _RUNNING | _LOWER_UP
_IFLA_IFNAME = 3
_NEWS = (messages.NEWLINK, messages.NEWROUTE)
_LAB_LINK = Struct("=HHI").pack(8, 27, messages.LAB_LINKS)  # IFLA_GROUP
_SENDS = Struct("=HHB").pack(5, 16, 6)  # IFLA_OPERSTATE: IF_OPER_UP


def wait(
    namespace: int, deadline: float, only: int | None = None, address: Address | None = None
) -> str:
    """Wait for readiness; return '' or what was still missing at *deadline* (monotonic clock).

    *only* is the index of the one interface that matters; else all do, of which none may have been
    down before: for a moment such a one shows the state it had then. *address* must be the
    namespace's own.
    """
    missing = _missing(namespace, only, address)
    if not missing:
        return ""
    with Netlink(namespace, messages.GROUP_LINKS | messages.GROUP_IPV6_ROUTES) as events:
        while missing := _missing(namespace, only, address):
            left = deadline - time.monotonic()
            if left <= 0 or not events.wait(lambda kind, _: kind in _NEWS, left):
                return _missing(namespace, only, address)
    return missing


def _missing(namespace: int, only: int | None, address: Address | None) -> str:
    with Netlink(namespace) as socket:
        if only is None:
            late = [found for found in socket.dump(messages.get_links()) if not _ready(found)]
            indexes = [_IFINFO.unpack_from(found)[2] for found in late]
        else:
            indexes = [only]
        for index in indexes:
            found = socket.get(messages.get_link(index))  # this may make it ready
            if found is not None and not _ready(found):
                return f"interface {_name(found)!r} has no carrier, or does not send yet"
        if address is not None and not is_local(socket, address):
            return f"what is sent to {address} is not taken in yet"
    return ""


def _ready(found: bytes) -> bool:
    """Whether an interface is down, or works."""
    flags = _IFINFO.unpack_from(found)[3]
    if not flags & _UP:
        return True
    return flags & _WANTED == _WANTED and (_SENDS in found or _LAB_LINK not in found)


def _name(payload: bytes) -> str:
    at = _IFINFO.size
    while at + 4 <= len(payload):
        length = int.from_bytes(payload[at : at + 2], "little")
        if int.from_bytes(payload[at + 2 : at + 4], "little") == _IFLA_IFNAME:
            return payload[at + 4 : at + length].rstrip(b"\0").decode()
        at += (length + 3) & ~3
    return "?"
