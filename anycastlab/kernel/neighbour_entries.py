"""Entries of the ARP and ND caches over rtnetlink(7): read, forgotten, used as traffic would."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import suppress
from socket import inet_ntop
from typing import NamedTuple

from pyroute2.netlink.rtnl.ndmsg import ndmsg

from anycastlab.kernel.messages import NEWNEIGH, family_of
from anycastlab.kernel.netlink import Netlink, NetlinkError
from anycastlab.kernel.template import encode

GROUP = 1 << 2
"""The multicast group of neighbour events (RTMGRP_NEIGH)."""
DELNEIGH, GETNEIGH = 29, 30

_REQUEST, _CREATE, _REPLACE = 1, 0x400, 0x100
_USE = 0x01  # NTF_USE: as if a packet were sent
_NOARP = 0x40
_STATES = {
    0x00: "none",
    0x01: "incomplete",
    0x02: "reachable",
    0x04: "stale",
    0x08: "delay",
    0x10: "probe",
    0x20: "failed",
    _NOARP: "noarp",
    0x80: "permanent",
}
_HEAD = struct.Struct("=B3xiHBB")
_ATTRIBUTE = struct.Struct("=HH")
_DST, _LLADDR = 1, 2


class Entry(NamedTuple):
    """What a cache holds: packed address, interface's index, six bytes of MAC (or none), state."""

    address: bytes
    port: int
    mac: bytes
    state: str


def entry_of(payload: bytes) -> Entry | None:
    """Read what follows the header of a neighbour message; None for a bridge's or a multicast's."""
    _family, index, state, _flags, _kind = _HEAD.unpack_from(payload)
    if state == _NOARP:
        return None
    attributes = dict(_attributes(payload[_HEAD.size :]))
    address = attributes.get(_DST, b"")
    if len(address) not in (4, 16):
        return None
    return Entry(address, index, attributes.get(_LLADDR, b""), _STATES.get(state, hex(state)))


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        yield kind, data[at + 4 : at + length]
        at += max(4, (length + 3) & ~3)


def entries(socket: Netlink, family: int) -> Iterator[Entry]:
    """Yield the entries of AF_INET or AF_INET6 in the namespace of a socket."""
    message = ndmsg()
    message["family"] = family
    for payload in socket.dump(encode(message, GETNEIGH, _REQUEST)):
        entry = entry_of(payload)
        if entry is not None:
            yield entry


def use(index: int, address: bytes) -> bytes:
    """Have an address resolved, or its entry used, as if a packet were sent to it."""
    message = _message(index, address)
    message["flags"] = _USE
    return encode(message, NEWNEIGH, _REQUEST | _CREATE | _REPLACE)


def forget(socket: Netlink, index: int, address: bytes) -> None:
    """Take an entry away, if there is one."""
    with suppress(NetlinkError):
        socket.send([encode(_message(index, address), DELNEIGH, _REQUEST)])


def permanent(index: int, address: bytes, mac: bytes) -> bytes:
    """An entry that nothing changes."""
    message = _message(index, address)
    message["state"] = 0x80
    message["attrs"] += [("NDA_LLADDR", mac.hex(":"))]
    return encode(message, NEWNEIGH, _REQUEST | _CREATE | _REPLACE)


def _message(index: int, address: bytes) -> ndmsg:
    message = ndmsg()
    message["family"], message["ifindex"] = family_of(address), index
    message["attrs"] = [("NDA_DST", inet_ntop(message["family"], address))]
    return message
