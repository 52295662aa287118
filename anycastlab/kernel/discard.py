"""Discard routes: packets for the prefix go nowhere, and their sender is told so (rtnetlink(7))."""

from __future__ import annotations

from struct import Struct

from anycastlab.kernel.messages import NEWROUTE, family_of

_HEADER = Struct("=IHHII")
_ROUTE = Struct("=BBBBBBBBI")  # family, dst_len, src_len, tos, table, protocol, scope, type, flags
_ATTRIBUTE = Struct("=HH")
_PUT = 0x1 | 0x100 | 0x400  # NLM_F_REQUEST, NLM_F_REPLACE, NLM_F_CREATE
_MAIN, _STATIC, _UNREACHABLE, _DST = 254, 4, 7, 1


def discard(destination: bytes, length: int) -> bytes:
    """The discard route of a prefix, added or put in the place of another."""
    family = family_of(destination)
    body = _ROUTE.pack(family, length, 0, 0, _MAIN, _STATIC, 0, _UNREACHABLE, 0)
    body += _ATTRIBUTE.pack(_ATTRIBUTE.size + len(destination), _DST) + destination
    return _HEADER.pack(_HEADER.size + len(body), NEWROUTE, _PUT, 0, 0) + body
