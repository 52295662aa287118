"""Membership messages that go out: whole IP packets, made by Scapy, each of them once."""

from __future__ import annotations

from functools import cache
from ipaddress import ip_address
from typing import NamedTuple

from anycastlab.components.membership.wire import (
    ALL_NODES,
    ALL_ROUTERS,
    IGMP,
    IGMP_KINDS,
    NOBODY,
    Kind,
    solicited_node,
)
from anycastlab.kernel.checksum import checksum

_INTERNET_CONTROL = 0xC0  # the precedence of RFC 2236's predecessors and of the kernel's own


class Outgoing(NamedTuple):
    """A packet from the network header on, and the link address it goes to."""

    mac: bytes
    packet: bytes


def multicast_mac(address: bytes) -> bytes:
    """The link address of a multicast group (RFC 1112, section 6.4; RFC 2464, section 7)."""
    if len(address) == 16:
        return b"\x33\x33" + address[12:]
    return b"\x01\x00\x5e" + bytes((address[1] & 0x7F,)) + address[2:]


@cache
def mld(kind: Kind, source: bytes, address: bytes, delay: float = 0.0) -> Outgoing:
    """An MLD message; *delay* (s) is in queries, and no address but zeros in a general one."""
    from scapy.layers.inet6 import (
        ICMPv6MLDone,
        ICMPv6MLQuery,
        ICMPv6MLReport,
        IPv6,
        IPv6ExtHdrHopByHop,
        RouterAlert,
    )

    asked = ALL_NODES[6] if address == NOBODY[6] else solicited_node(address)
    destination = asked if kind == "query" else ALL_ROUTERS[6]
    layer = {"query": ICMPv6MLQuery, "report": ICMPv6MLReport, "leave": ICMPv6MLDone}[kind]
    text, sender, receiver = (str(ip_address(one)) for one in (address, source, destination))
    packet = (
        IPv6(src=sender, dst=receiver, hlim=1)
        / IPv6ExtHdrHopByHop(options=[RouterAlert(value=0)])
        / layer(mladdr=text, mrd=round(delay * 1000))
    )
    return Outgoing(multicast_mac(destination), bytes(packet))


@cache
def igmp(kind: Kind, source: bytes, address: bytes, delay: float = 0.0) -> Outgoing:
    """A message of our IGMP mirror; queries go to all nodes: IPv4 solicits none."""
    from scapy.layers.inet import IP, IPOption_Router_Alert
    from scapy.packet import Raw

    destination = ALL_NODES[4] if kind == "query" else ALL_ROUTERS[4]
    number = next(number for number, each in IGMP_KINDS.items() if each == kind)
    message = bytes((number, round(delay * 10), 0, 0)) + address
    message = message[:2] + checksum(message).to_bytes(2, "big") + message[4:]
    sender, receiver = (str(ip_address(one)) for one in (source, destination))
    packet = IP(
        src=sender,
        dst=receiver,
        ttl=1,
        id=0,
        proto=IGMP,
        tos=_INTERNET_CONTROL,
        options=[IPOption_Router_Alert()],
    ) / Raw(message)
    return Outgoing(multicast_mac(destination), bytes(packet))


@cache
def solicitation(source: bytes, mac: bytes, address: bytes) -> Outgoing:
    """A neighbour solicitation (RFC 4861, section 4.3) for *address*, to its solicited nodes."""
    from scapy.layers.inet6 import ICMPv6ND_NS, ICMPv6NDOptSrcLLAddr, IPv6

    destination = solicited_node(address)
    text, sender, receiver = (str(ip_address(one)) for one in (address, source, destination))
    packet = (
        IPv6(src=sender, dst=receiver, hlim=255)
        / ICMPv6ND_NS(tgt=text)
        / ICMPv6NDOptSrcLLAddr(lladdr=mac.hex(":"))
    )
    return Outgoing(multicast_mac(destination), bytes(packet))
