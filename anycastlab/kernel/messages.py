"""The rtnetlink messages the lab sends, as functions of packed addresses and interface indexes.

Every shape is encoded once by pyroute2 with marked values, then filled in (kernel.template).
Additions replace what is there, so that sending a message twice does no harm.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from socket import AF_INET, AF_INET6, inet_ntop
from struct import Struct
from typing import Any

from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from pyroute2.netlink.rtnl.ndmsg import ndmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from anycastlab.kernel.template import Encoder, compile_message, encode

NEWLINK, DELLINK, GETLINK, NEWADDR, DELADDR, GETADDR = 16, 17, 18, 20, 21, 22
NEWROUTE, DELROUTE, NEWNEIGH = 24, 25, 28
GROUP_LINKS, GROUP_IPV6_ROUTES = 1 << 0, 1 << 10
"""The multicast group of link events (RTMGRP_LINK)."""

LOOPBACK = 1
"""The index of `lo` in every namespace."""

_REQUEST, _CREATE, _REPLACE, _EXCL = 1, 0x400, 0x100, 0x200
_PUT = _REQUEST | _CREATE | _REPLACE
_NEW = _REQUEST | _CREATE | _EXCL
_IFF_UP = 1
_NODAD = 0x02
_PERMANENT = 0x80
_TABLE_MAIN, _PROTO_STATIC, _SCOPE_LINK, _UNICAST = 254, 4, 253, 1
LAB_LINKS = 0xA9
"""The interface group of the lab's links: they are deleted together."""

_u32 = Struct("=I").pack
_i32 = Struct("=i").pack
_MARK_INDEX = (0x7EADBEE0, 0x7EADBEE1)
_MARK_FD = (0x7EADBEF0, 0x7EADBEF1)
_MARK_NAME = ("mark-of-name-00", "mark-of-name-01")
_MARK_MAC = (b"\x02\xde\xad\xbe\xef\x00", b"\x02\xde\xad\xbe\xef\x01")


def _mac(packed: bytes) -> str:
    return packed.hex(":")


def _name(name: str) -> bytes:
    return name.encode().ljust(16, b"\0")


def _mark(family: int, number: int) -> bytes:
    """A packed address that stands for the *number*-th value of a template."""
    if family == AF_INET:
        return bytes((203, 0, 113, 64 + number))
    return bytes.fromhex("20010db8dead00000000000000000000")[:15] + bytes((64 + number,))


def _link(kind: int, how: int, attributes: list[Any], **fields: int) -> bytes:
    message = ifinfmsg()
    for field, value in fields.items():
        message[field] = value
    message["attrs"] = attributes
    return encode(message, kind, how)


def _end(number: int, **fields: int) -> dict[str, Any]:
    return {
        "index": _MARK_INDEX[number],
        **fields,
        "attrs": [
            ("IFLA_IFNAME", _MARK_NAME[number]),
            ("IFLA_NET_NS_FD", _MARK_FD[number]),
            ("IFLA_ADDRESS", _mac(_MARK_MAC[number])),
            ("IFLA_GROUP", LAB_LINKS),
            # one queue: else the kernel makes one a CPU and waits a grace period to trim them
            ("IFLA_NUM_TX_QUEUES", 1),
            ("IFLA_NUM_RX_QUEUES", 1),
        ],
    }


@cache
def _veth() -> Encoder:
    near = _end(0, flags=_IFF_UP, change=_IFF_UP)
    info = ("IFLA_INFO_DATA", {"attrs": [("VETH_INFO_PEER", _end(1))]})
    linkinfo = ("IFLA_LINKINFO", {"attrs": [("IFLA_INFO_KIND", "veth"), info]})
    attributes = [*near.pop("attrs"), linkinfo]
    marks = [
        mark
        for number in (0, 1)
        for mark in (
            _i32(_MARK_INDEX[number]),
            _name(_MARK_NAME[number]),
            _MARK_MAC[number],
            _u32(_MARK_FD[number]),
        )
    ]
    return compile_message(_link(NEWLINK, _NEW, attributes, **near), marks)


def veth(near: tuple[int, str, bytes, int], far: tuple[int, str, bytes, int]) -> bytes:
    """A veth pair, both ends in their final namespaces; the near end comes up at once.

    An end is (index, name, six bytes of MAC, namespace descriptor).
    """
    (ia, na, ma, fa), (ib, nb, mb, fb) = near, far
    return _veth()(_i32(ia), _name(na), ma, _u32(fa), _i32(ib), _name(nb), mb, _u32(fb))


@cache
def _set_flags(up: bool) -> Encoder:
    message = _link(NEWLINK, _REQUEST, [], index=_MARK_INDEX[0], flags=_IFF_UP * up, change=_IFF_UP)
    return compile_message(message, [_i32(_MARK_INDEX[0])])


def link_up(index: int) -> bytes:
    """Set an interface up."""
    return _set_flags(True)(_i32(index))


def link_down(index: int) -> bytes:
    """Set an interface down."""
    return _set_flags(False)(_i32(index))


def set_mtu(index: int, mtu: int) -> bytes:
    """Give an interface the size of its largest packet, in bytes."""
    return _link(NEWLINK, _REQUEST, [("IFLA_MTU", mtu)], index=index)


def bridge(name: str, index: int) -> bytes:
    """A bridge, up, without spanning tree, multicast snooping or learning delays."""
    data = [("IFLA_BR_STP_STATE", 0), ("IFLA_BR_FORWARD_DELAY", 0), ("IFLA_BR_MCAST_SNOOPING", 0)]
    info = {"attrs": [("IFLA_INFO_KIND", "bridge"), ("IFLA_INFO_DATA", {"attrs": data})]}
    attributes = [("IFLA_IFNAME", name), ("IFLA_LINKINFO", info)]
    return _link(NEWLINK, _NEW, attributes, index=index, flags=_IFF_UP, change=_IFF_UP)


def enslave(index: int, master: int) -> bytes:
    """Make an interface a port of a bridge."""
    return _link(NEWLINK, _REQUEST, [("IFLA_MASTER", master)], index=index)


def delete_lab_links() -> bytes:
    """Delete all links of the lab in a namespace, and so their far ends, in one step."""
    return _link(DELLINK, _REQUEST, [("IFLA_GROUP", LAB_LINKS)])


def delete_link(index: int) -> bytes:
    """Delete one interface."""
    return _link(DELLINK, _REQUEST, [], index=index)


def get_links() -> bytes:
    """The request for a dump of interfaces."""
    return _link(GETLINK, _REQUEST, [])


@cache
def _get_link() -> Encoder:
    message = _link(GETLINK, _REQUEST, [], index=_MARK_INDEX[0])
    return compile_message(message, [_i32(_MARK_INDEX[0])])


def get_link(index: int) -> bytes:
    """The request for one interface.

    Unlike a dump, it has the kernel (Linux 6.6) finish first what a new carrier entails, which it
    else does in the background, for 100 interfaces a second when there are many.
    """
    return _get_link()(_i32(index))


@cache
def _address(family: int, length: int) -> Encoder:
    message = ifaddrmsg()
    message["family"], message["prefixlen"], message["index"] = family, length, _MARK_INDEX[0]
    text = inet_ntop(family, _mark(family, 0))
    message["attrs"] = [("IFA_LOCAL", text), ("IFA_ADDRESS", text)]
    if family == AF_INET6:
        message["flags"] = _NODAD
    return compile_message(encode(message, NEWADDR, _PUT), [_u32(_MARK_INDEX[0]), _mark(family, 0)])


def family_of(packed: bytes) -> int:
    """AF_INET for four bytes, AF_INET6 for sixteen."""
    return AF_INET if len(packed) == 4 else AF_INET6


def address(index: int, packed: bytes, length: int) -> bytes:
    """An address on an interface; IPv6 without duplicate address detection."""
    return _address(family_of(packed), length)(_u32(index), packed)


@cache
def _neighbour(family: int) -> Encoder:
    message = ndmsg()
    message["family"], message["ifindex"], message["state"] = family, _MARK_INDEX[0], _PERMANENT
    message["attrs"] = [
        ("NDA_DST", inet_ntop(family, _mark(family, 0))),
        ("NDA_LLADDR", _mac(_MARK_MAC[0])),
    ]
    marks = [_i32(_MARK_INDEX[0]), _mark(family, 0), _MARK_MAC[0]]
    return compile_message(encode(message, NEWNEIGH, _PUT), marks)


def neighbour(index: int, packed: bytes, mac: bytes) -> bytes:
    """A permanent neighbour: no ARP or ND on point-to-point links, nothing to expire."""
    return _neighbour(family_of(packed))(_i32(index), packed, mac)


def _route_message(family: int, length: int, source: bool) -> rtmsg:
    message = rtmsg()
    message["family"], message["dst_len"] = family, length
    message["table"], message["proto"], message["type"] = _TABLE_MAIN, _PROTO_STATIC, _UNICAST
    attributes: list[Any] = []
    if length:
        attributes.append(("RTA_DST", inet_ntop(family, _mark(family, 0))))
    if source:
        attributes.append(("RTA_PREFSRC", inet_ntop(family, _mark(family, 1))))
    message["attrs"] = attributes
    return message


def _route_marks(family: int, length: int, source: bool) -> list[bytes]:
    return ([_mark(family, 0)] if length else []) + ([_mark(family, 1)] if source else [])


@cache
def _route(family: int, length: int, source: bool, hops: int) -> Encoder:
    message = _route_message(family, length, source)
    gateways = [inet_ntop(family, _mark(family, 2 + number)) for number in range(hops)]
    if hops == 1:
        message["attrs"] += [("RTA_GATEWAY", gateways[0]), ("RTA_OIF", _MARK_INDEX[0])]
    else:
        paths = [
            {"hops": 0, "oif": 0x7EAD0000 + at, "attrs": [("RTA_GATEWAY", gateway)]}
            for at, gateway in enumerate(gateways)
        ]
        message["attrs"] += [("RTA_MULTIPATH", paths)]
    marks = _route_marks(family, length, source)
    for at in range(hops):
        index = _MARK_INDEX[0] if hops == 1 else 0x7EAD0000 + at
        marks += [_u32(index), _mark(family, 2 + at)]
    return compile_message(encode(message, NEWROUTE, _PUT), marks)


def route(
    destination: bytes, length: int, hops: Sequence[tuple[int, bytes]], source: bytes | None
) -> bytes:
    """A route by one or more (interface index, gateway); *source* is what the node sends from."""
    values = [destination] if length else []
    if source is not None:
        values.append(source)
    for index, gateway in hops:
        values += (_u32(index), gateway)
    encoder = _route(family_of(destination), length, source is not None, len(hops))
    return encoder(*values)


def around_destination(
    family: int, length: int, hops: Sequence[tuple[int, bytes]], source: bytes | None
) -> tuple[bytes, bytes]:
    """What stands before and after the destination in a :func:`route` of this length (not 0).

    Thousands of routes share it: one then costs a concatenation.
    """
    mark = _mark(family, 0)
    before, _, after = route(mark, length, hops, source).partition(mark)
    return before, after


@cache
def _delete_route(family: int, length: int) -> Encoder:
    message = _route_message(family, length, source=False)
    message["proto"], message["scope"] = _PROTO_STATIC, 0
    return compile_message(
        encode(message, DELROUTE, _REQUEST), _route_marks(family, length, source=False)
    )


def delete_route(destination: bytes, length: int) -> bytes:
    """Take the lab's own route to a prefix away."""
    return _delete_route(family_of(destination), length)(*([destination] if length else ()))
