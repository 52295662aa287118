"""When a namespace is ready: every interface that is up has a carrier."""

from __future__ import annotations

import time
from struct import Struct

from anycastlab.kernel import messages
from anycastlab.kernel.netlink import Netlink

_IFINFO = Struct("=BxHiII")
_UP, _RUNNING, _LOWER_UP = 0x1, 0x40, 0x10000
_WANTED = _UP | _RUNNING | _LOWER_UP
_IFLA_IFNAME = 3


def wait(namespace: int, deadline: float) -> str:
    """Wait for readiness; return '' or what was still missing at *deadline* (monotonic clock)."""
    missing = _missing(namespace)
    if not missing:
        return ""
    with Netlink(namespace, messages.GROUP_LINKS) as events:
        while missing := _missing(namespace):
            left = deadline - time.monotonic()
            if left <= 0 or not events.wait(lambda kind, _: kind == messages.NEWLINK, left):
                return _missing(namespace)
    return missing


def _missing(namespace: int) -> str:
    with Netlink(namespace) as socket:
        for payload in socket.dump(messages.get_links()):
            _family, _type, _index, flags, _change = _IFINFO.unpack_from(payload)
            if flags & _UP and flags & _WANTED != _WANTED:
                return f"interface {_name(payload)!r} has no carrier"
    return ""


def _name(payload: bytes) -> str:
    at = _IFINFO.size
    while at + 4 <= len(payload):
        length = int.from_bytes(payload[at : at + 2], "little")
        if int.from_bytes(payload[at + 2 : at + 4], "little") == _IFLA_IFNAME:
            return payload[at + 4 : at + length].rstrip(b"\0").decode()
        at += (length + 3) & ~3
    return "?"
