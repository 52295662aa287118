"""Read a namespace's main routing table, and wait for it to change.

Messages are those of rtnetlink(7); a route's attributes are in linux/rtnetlink.h.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from struct import Struct

from anycastlab.kernel.messages import DELROUTE, NEWROUTE
from anycastlab.routing.table import Hop, Hops, Prefix, Table

GROUPS = 0x40 | 0x400
"""The multicast groups of route events of both families (RTMGRP_IPV4_ROUTE, RTMGRP_IPV6_ROUTE)."""
EVENTS = (NEWROUTE, DELROUTE)

_GETROUTE = 26
_HEADER = Struct("=IHHII")
_ROUTE = Struct("=BBBBBBBBI")  # family, dst_len, src_len, tos, table, protocol, scope, type, flags
_ATTRIBUTE = Struct("=HH")
_NEXT_HOP = Struct("=HBBi")
_INDEX = Struct("=i")
_DST, _OIF, _GATEWAY, _PRIORITY, _MULTIPATH, _VIA = 1, 4, 5, 6, 9, 18
_MAIN, _UNICAST = 254, 1
_DISCARDS = 6, 7, 8
"""Of a route's type: blackhole, unreachable, prohibit."""
_LOOPBACK = _INDEX.pack(1)
_BY_ITSELF = b"\xfe", b"\xff"
"""First bytes of fe80::/10 and ff00::/8."""
_DEAD, _LINKDOWN = 0x01, 0x10
_LENGTH = {socket.AF_INET: 4, socket.AF_INET6: 16}


def request(family: int) -> bytes:
    """The request for a dump of one family's routes."""
    body = _ROUTE.pack(family, 0, 0, 0, _MAIN, 0, 0, 0, 0)
    return _HEADER.pack(_HEADER.size + len(body), _GETROUTE, 1, 0, 0) + body


def table(payloads: Iterator[bytes]) -> Table:
    """The unicast routes of the main table among dumped *payloads*, those of the best metric.

    A next hop without a gateway (a connected prefix) has an empty one; next hops that are dead, or
    whose link has no carrier, are left out.
    """
    best: dict[Prefix, int] = {}
    routes: Table = {}
    for payload in payloads:
        family, length, _, _, number, _, _, kind, flags = _ROUTE.unpack_from(payload)
        if number != _MAIN or kind != _UNICAST or family not in _LENGTH:
            continue
        found = dict(_attributes(payload, _ROUTE.size))
        prefix = Prefix(found.get(_DST, bytes(_LENGTH[family])), length)
        metric = int.from_bytes(found.get(_PRIORITY, b""), "little")
        if metric <= best.get(prefix, metric):
            best[prefix] = metric
            routes[prefix] = _hops(found, flags)
    return routes


def entries(payloads: Iterable[bytes]) -> Iterator[tuple[Prefix, bool]]:
    """Yield the routes of the main table, each once, and whether it discards what it matches.

    Left out is what a namespace has by itself: its own addresses, link-local and multicast
    prefixes.
    """
    for payload in payloads:
        family, length, _, _, number, _, _, kind, _ = _ROUTE.unpack_from(payload)
        if number != _MAIN or family not in _LENGTH:
            continue
        found = dict(_attributes(payload, _ROUTE.size))
        address = found.get(_DST, bytes(_LENGTH[family]))
        own = found.get(_OIF) == _LOOPBACK and kind == _UNICAST
        if not own and address[:1] not in _BY_ITSELF and kind in (_UNICAST, *_DISCARDS):
            yield Prefix(address, length), kind in _DISCARDS


def _hops(found: dict[int, bytes], flags: int) -> Hops:
    if _MULTIPATH in found:
        return tuple(sorted(_next_hops(found[_MULTIPATH])))
    if flags & (_DEAD | _LINKDOWN) or _OIF not in found:
        return ()
    return (Hop(_INDEX.unpack(found[_OIF])[0], _gateway(found)),)


def _next_hops(data: bytes) -> Iterator[Hop]:
    at = 0
    while at + _NEXT_HOP.size <= len(data):
        length, flags, _weight, index = _NEXT_HOP.unpack_from(data, at)
        if not flags & (_DEAD | _LINKDOWN):
            found = dict(_attributes(data[: at + length], at + _NEXT_HOP.size))
            yield Hop(index, _gateway(found))
        at += (length + 3) & ~3


def _gateway(found: dict[int, bytes]) -> bytes:
    return found.get(_GATEWAY) or found.get(_VIA, b"")[2:]  # after the family of RTA_VIA


def _attributes(data: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    while at + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        if length < _ATTRIBUTE.size:
            return
        yield kind & 0x3FFF, data[at + _ATTRIBUTE.size : at + length]
        at += (length + 3) & ~3
