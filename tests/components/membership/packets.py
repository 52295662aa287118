"""Packets of members as Scapy makes them, and what has to be said of each kind."""

from __future__ import annotations

from typing import Any

from scapy.layers.inet import IP, IPOption_Router_Alert
from scapy.layers.inet6 import (
    ICMPv6MLDone,
    ICMPv6MLQuery,
    ICMPv6MLReport,
    ICMPv6ND_NA,
    ICMPv6NDOptDstLLAddr,
    IPv6,
    IPv6ExtHdrHopByHop,
    RouterAlert,
)
from scapy.packet import Raw
from scapy.utils import checksum

A6, A4 = "2001:db8:a::1", "192.0.2.1"
HOST6, HOST4 = "fe80::ff:fe00:b", "10.9.0.2"
MLD = {"query": ICMPv6MLQuery, "report": ICMPv6MLReport, "leave": ICMPv6MLDone}
IGMP_TYPE = {"query": 0x11, "report": 0x16, "leave": 0x17}


def mld(kind: str = "report", address: str = A6, **fields: Any) -> Any:
    """An MLD message; fields: ``src``, ``hlim``, ``mrd``, ``cksum``, ``options``."""
    message = MLD[kind](mladdr=address, mrd=fields.get("mrd", 0))
    if "cksum" in fields:
        message.cksum = fields["cksum"]
    return (
        IPv6(src=fields.get("src", HOST6), dst="ff02::2", hlim=fields.get("hlim", 1))
        / IPv6ExtHdrHopByHop(options=fields.get("options", [RouterAlert(value=0)]))
        / message
    )


def igmp(kind: str = "report", address: str = A4, **fields: Any) -> Any:
    """A message of our mirror; fields: ``src``, ``ttl``, ``chksum``, ``options``, ``mrcode``.

    Scapy's own layer of that name is another in each of its versions.
    """
    gaddr = bytes(map(int, address.split(".")))
    message = bytes((IGMP_TYPE[kind], fields.get("mrcode", 0), 0, 0)) + gaddr
    number = fields.get("chksum", checksum(message))
    message = message[:2] + number.to_bytes(2, "big") + message[4:]
    ip = IP(
        src=fields.get("src", HOST4),
        dst="224.0.0.2",
        proto=2,
        ttl=fields.get("ttl", 1),
        options=fields.get("options", [IPOption_Router_Alert()]),
    )
    return bytes(ip / Raw(message))


def advertisement(address: str = A6, **fields: Any) -> Any:
    """A solicited neighbour advertisement; fields: ``hlim``, ``code``, ``solicited``."""
    return (
        IPv6(src=address, dst=HOST6, hlim=fields.get("hlim", 255))
        / ICMPv6ND_NA(tgt=address, R=0, S=fields.get("solicited", 1), code=fields.get("code", 0))
        / ICMPv6NDOptDstLLAddr(lladdr="02:00:00:00:00:0b")
    )


def cut(packet: Any, length: int) -> bytes:
    """Cut a packet short, and have its header say so."""
    whole = bytearray(bytes(packet)[:length])
    at, size = (4, length - 40) if whole[0] >> 4 == 6 else (2, length)
    whole[at : at + 2] = size.to_bytes(2, "big")
    return bytes(whole)
