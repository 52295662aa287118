"""Next-hop objects: hops, resilient groups of them, and routes that name a group by its number.

A resilient group maps hashes to buckets and buckets to hops. When a hop leaves, its buckets alone
go to others; when one joins, it gets the buckets no packet has used for a while. Encoded by hand
after linux/nexthop.h, since pyroute2 has no messages for these objects; the behaviour is that of
Documentation/networking/nexthop-group-resilient.rst (Linux 5.13).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from socket import AF_UNSPEC

from anycastlab.kernel.messages import NEWROUTE, family_of

BUCKETS = 128
IDLE = 60
"""Seconds after which a bucket without packets may go to another hop."""

_NEWNEXTHOP, _DELNEXTHOP = 104, 105
_REQUEST, _PUT = 0x001, 0x501  # NLM_F_REQUEST; with NLM_F_CREATE and NLM_F_REPLACE
_HEADER = struct.Struct("=IHHII")
_NEXTHOP = struct.Struct("=BBBBI")  # family, scope, protocol, reserved, flags
_ROUTE = struct.Struct("=BBBBBBBBI")  # family, dst_len, src_len, tos, table, protocol, scope, ...
_ENTRY = struct.Struct("=IBBH")  # id, weight less 1, its high byte, reserved
_ATTRIBUTE = struct.Struct("=HH")
_NESTED = 0x8000
_ID, _GROUP, _GROUP_TYPE, _OIF, _GATEWAY, _RESILIENT_GROUP = 1, 2, 3, 5, 6, 12 | _NESTED
_RES_BUCKETS, _RES_IDLE = 1, 2
_TYPE_RESILIENT = struct.pack("=H", 1)
_DST, _PREFSRC, _NH_ID = 1, 7, 30
_MAIN, _STATIC, _UNICAST = 254, 4, 1
_TICKS = 100
"""Of a second: the kernel takes its timers in USER_HZ."""


def hop(number: int, index: int, gateway: bytes) -> bytes:
    """The next hop *number*: a gateway on the interface *index*."""
    return _message(
        _NEWNEXTHOP,
        _PUT,
        _NEXTHOP.pack(family_of(gateway), 0, _STATIC, 0, 0),
        (_ID, _word(number)),
        (_OIF, _word(index)),
        (_GATEWAY, gateway),
    )


def resilient_group(number: int, hops: Iterable[int]) -> bytes:
    """The resilient group *number* of hops of equal weight; replacing it moves few buckets."""
    timers = _attribute(_RES_BUCKETS, struct.pack("=H", BUCKETS))
    timers += _attribute(_RES_IDLE, _word(IDLE * _TICKS))
    return _message(
        _NEWNEXTHOP,
        _PUT,
        _NEXTHOP.pack(AF_UNSPEC, 0, _STATIC, 0, 0),
        (_ID, _word(number)),
        (_GROUP, b"".join(_ENTRY.pack(one, 0, 0, 0) for one in hops)),
        (_GROUP_TYPE, _TYPE_RESILIENT),
        (_RESILIENT_GROUP, timers),
    )


def delete(number: int) -> bytes:
    """Take a hop or a group away, and every route that names it."""
    body = _NEXTHOP.pack(AF_UNSPEC, 0, 0, 0, 0)
    return _message(_DELNEXTHOP, _REQUEST, body, (_ID, _word(number)))


def route(destination: bytes, length: int, number: int, source: bytes) -> bytes:
    """A route by the hop or group *number*; *source* is what the node sends from."""
    family = family_of(destination)
    body = _ROUTE.pack(family, length, 0, 0, _MAIN, _STATIC, 0, _UNICAST, 0)
    to = ((_DST, destination),) if length else ()
    return _message(NEWROUTE, _PUT, body, *to, (_PREFSRC, source), (_NH_ID, _word(number)))


def _word(value: int) -> bytes:
    return struct.pack("=I", value)


def _message(kind: int, flags: int, body: bytes, *attributes: tuple[int, bytes]) -> bytes:
    body += b"".join(_attribute(number, value) for number, value in attributes)
    return _HEADER.pack(_HEADER.size + len(body), kind, flags, 0, 0) + body


def _attribute(kind: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value + bytes(-len(value) % 4)
