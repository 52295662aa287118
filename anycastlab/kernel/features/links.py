"""Probes of links, queues and routes: each asks the kernel by netlink for the real thing.

They run in a throwaway namespace (:mod:`.trial`), so nothing is cleaned up here.
"""

from __future__ import annotations

import socket
import struct
from contextlib import closing
from typing import Any

from pyroute2 import IPBatch

from anycastlab.kernel import namespace
from anycastlab.kernel.netlink import Netlink

_LOOPBACK = 1
_RTM_NEWNEXTHOP = 104
_REQUEST_CREATE_EXCLUSIVE = 0x601
_NHA_ID, _NHA_GROUP, _NHA_GROUP_TYPE, _NHA_OIF, _NHA_RES_GROUP = 1, 2, 3, 5, 12
_RESILIENT, _BUCKETS = 1, 1


def ask(verb: str, command: str, **attributes: Any) -> None:
    """Have pyroute2 encode one request, and the kernel carry it out."""
    with closing(IPBatch()) as batch, Netlink() as netlink:
        getattr(batch, verb)(command, **attributes)
        netlink.send([bytes(batch.batch)])


def link(kind: str, **attributes: Any) -> str:
    """Make a link of *kind*, which also loads its module."""
    ask("link", "add", ifname="probe", kind=kind, **attributes)
    return ""


def loopback() -> str:
    """Bring lo up."""
    ask("link", "set", index=_LOOPBACK, state="up")
    return ""


def _veth_up() -> int:
    link("veth", peer={"ifname": "other"})
    index = socket.if_nametoindex("probe")
    for end in (index, socket.if_nametoindex("other")):
        ask("link", "set", index=end, state="up")
    return index


def veth() -> str:
    """Make a veth pair from a third namespace with both ends already in their own."""
    one, other, _third = namespace.create(), namespace.create(), namespace.create()
    link("veth", net_ns_fd=one, peer={"ifname": "end", "net_ns_fd": other})
    # both namespaces are held until the end: with one of them both ends of the link would go
    for place, name in ((one, "probe"), (other, "end")):
        with namespace.inside(place):
            socket.if_nametoindex(name)
    return ""


def qdisc(kind: str, **attributes: Any) -> str:
    """Give a veth a queueing discipline."""
    ask("tc", "add", kind=kind, index=_veth_up(), handle="1:", **attributes)
    return ""


def ecmp() -> str:
    """Install a route with two next hops of equal cost, for IPv4 and for IPv6."""
    index = _veth_up()
    ask("addr", "add", index=index, address="10.0.0.1", prefixlen=24)
    ask("addr", "add", index=index, address="2001:db8::1", prefixlen=64)
    for net, hops in (
        ("192.0.2.0/24", ("10.0.0.2", "10.0.0.3")),
        ("2001:db8:a::/48", ("2001:db8::2", "2001:db8::3")),
    ):
        ask("route", "add", dst=net, multipath=[{"gateway": hop, "oif": index} for hop in hops])
    return ""


def resilient_group() -> str:
    """Make a next-hop group that keeps flows in place when a member leaves.

    Encoded by hand: pyroute2 has no messages for next-hop objects.
    """
    loopback()
    buckets = _attribute(_BUCKETS, struct.pack("=H", 8))
    group = struct.pack("=IBBH", 1, 0, 0, 0)
    messages = [
        _nexthop(1, _attribute(_NHA_OIF, struct.pack("=I", _LOOPBACK))),
        _nexthop(
            2,
            _attribute(_NHA_GROUP, group)
            + _attribute(_NHA_GROUP_TYPE, struct.pack("=H", _RESILIENT))
            + _attribute(_NHA_RES_GROUP | 0x8000, buckets),
            family=socket.AF_UNSPEC,
        ),
    ]
    with Netlink() as netlink:
        netlink.send(messages)
    return ""


def _nexthop(number: int, attributes: bytes, family: int = socket.AF_INET) -> bytes:
    body = struct.pack("=BBBBI", family, 0, 0, 0, 0)
    body += _attribute(_NHA_ID, struct.pack("=I", number)) + attributes
    return (
        struct.pack("=IHHII", 16 + len(body), _RTM_NEWNEXTHOP, _REQUEST_CREATE_EXCLUSIVE, 0, 0)
        + body
    )


def _attribute(kind: int, value: bytes) -> bytes:
    padding = bytes(-len(value) % 4)
    return struct.pack("=HH", 4 + len(value), kind) + value + padding


def segment_routing() -> str:
    """Install an SRv6 endpoint (RFC 8986, section 4.1)."""
    ask(
        "route",
        "add",
        dst="2001:db8::1/128",
        oif=_veth_up(),
        encap={"type": "seg6local", "action": "End"},
    )
    return ""
