"""When a namespace is ready: every interface that is up has a carrier, and sends.

A new interface reports its carrier a moment before the kernel gives it a queue; what is sent in
between is lost without a word. Its operational state (RFC 2863) tells when it sends.
"""

from __future__ import annotations

import time
from struct import Struct

from anycastlab.kernel import messages
from anycastlab.kernel.netlink import Netlink

_IFINFO = Struct("=BxHiII")
_UP, _RUNNING, _LOWER_UP = 0x1, 0x40, 0x10000
_WANTED = _UP | _RUNNING | _LOWER_UP
_IFLA_IFNAME = 3
_LAB_LINK = Struct("=HHI").pack(8, 27, messages.LAB_LINKS)  # IFLA_GROUP
_SENDS = Struct("=HHB").pack(5, 16, 6)  # IFLA_OPERSTATE: IF_OPER_UP


def wait(namespace: int, deadline: float, only: int | None = None) -> str:
    """Wait for readiness; return '' or what was still missing at *deadline* (monotonic clock).

    *only* is the index of the one interface that matters; else all do, of which none may have been
    down before: for a moment such a one shows the state it had then.
    """
    missing = _missing(namespace, only)
    if not missing:
        return ""
    with Netlink(namespace, messages.GROUP_LINKS) as events:
        while missing := _missing(namespace, only):
            left = deadline - time.monotonic()
            if left <= 0 or not events.wait(lambda kind, _: kind == messages.NEWLINK, left):
                return _missing(namespace, only)
    return missing


def _missing(namespace: int, only: int | None) -> str:
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
