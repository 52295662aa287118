"""Probes with an IPv6 routing header of type 0, and what comes back (RFC 5095).

A node that has such a packet's destination must take the type for unknown: with segments left it
drops the packet and says that the header's type, at byte 42, is a problem; with none it goes on to
what follows.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from dataclasses import dataclass
from random import getrandbits
from typing import Any, Literal

from anycastlab.components.identity_wire import MAGIC
from anycastlab.errors import UsageError, did_you_mean
from anycastlab.kernel.icmpv6 import only
from anycastlab.probing.nodes import Nodes
from anycastlab.topology.network import Address, Network

Answer = Literal["parameter-problem", "echo-reply", "silent"]

TYPE_AT = 42
"""Where a packet without other extension headers has the routing header's type."""

_PROBLEM, _REPLY = 4, 129


@dataclass(frozen=True, slots=True)
class Reaction:
    """What a probe to an address brought about: ``code`` and ``pointer`` are those of a problem."""

    client: str
    group: str
    address: str
    left: int
    answer: Answer
    code: int | None = None
    pointer: int | None = None
    reply_from: str | None = None

    @property
    def ok(self) -> bool:
        """Whether it is what RFC 5095, section 3, demands."""
        if self.left:
            return (self.answer, self.code, self.pointer) == ("parameter-problem", 0, TYPE_AT)
        return self.answer == "echo-reply"

    def as_json(self) -> dict[str, Any]:
        """The object that ``probe --routing-header 0 --json`` prints."""
        return {
            "client": self.client,
            "group": self.group,
            "address": self.address,
            "segments_left": self.left,
            "answer": self.answer,
            "code": self.code,
            "pointer": self.pointer,
            "reply_from": self.reply_from,
            "ok": self.ok,
        }

    def text(self) -> str:
        """The same in a line."""
        told = f"{self.client} → {self.group}, {self.address}, type 0, {self.left} left"
        if self.answer == "silent":
            return f"{told}: no answer"
        if self.answer == "echo-reply":
            return f"{told}: echo reply from {self.reply_from}"
        icmp = f"ICMPv6 {_PROBLEM}/{self.code}, pointer {self.pointer}"
        return f"{told}: {icmp}, from {self.reply_from}"


def ask(nodes: Nodes, client: str, group: str, left: int = 1, timeout: float = 1.0) -> Reaction:
    """Send an echo request with the header to a group's IPv6 address. Raises UsageError."""
    address = _ipv6(nodes.network, group)
    source, number = nodes.network.nodes[client].ipv6, getrandbits(32)
    raw = socket.SOCK_RAW
    with (
        nodes.socket(client, socket.AF_INET6, raw, socket.IPPROTO_ICMPV6) as ears,
        nodes.socket(client, socket.AF_INET6, raw, socket.IPPROTO_RAW) as mouth,
    ):
        only(ears, _PROBLEM, _REPLY)
        mouth.sendto(packet(source, address, left, number), (str(address), 0))
        said = _listen(ears, MAGIC + struct.pack("!I", number), timeout)
    if said is None:
        return Reaction(client, group, str(address), left, "silent")
    data, origin = said
    if data[0] == _REPLY:
        return Reaction(client, group, str(address), left, "echo-reply", reply_from=origin)
    code, pointer = data[1], struct.unpack_from("!I", data, 4)[0]
    return Reaction(client, group, str(address), left, "parameter-problem", code, pointer, origin)


def packet(source: Address, destination: Address, left: int, number: int) -> bytes:
    """An echo request behind a routing header of type 0 whose one address is the source's own."""
    from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6, IPv6ExtHdrRouting

    data = MAGIC + struct.pack("!I", number)
    echo = ICMPv6EchoRequest(id=number >> 16, seq=number & 0xFFFF, data=data)
    header = IPv6ExtHdrRouting(type=0, segleft=left, addresses=[str(source)])
    return bytes(IPv6(src=str(source), dst=str(destination)) / header / echo)


def _ipv6(network: Network, group: str) -> Address:
    if group not in network.groups:
        raise UsageError(f"no group {group!r}{did_you_mean(group, network.groups)}")
    for address in network.groups[group].addresses:
        if address.version == 6:
            return address
    raise UsageError(f"group {group!r} has no IPv6 address")


def _listen(ears: socket.socket, mark: bytes, timeout: float) -> tuple[bytes, str] | None:
    """Return the first message that has the mark in it, and who sent it."""
    deadline = time.monotonic() + timeout
    while (remaining := deadline - time.monotonic()) > 0:
        if select.select([ears], [], [], remaining)[0]:
            data, origin = ears.recvfrom(2048)
            if mark in data:
                return data, str(origin[0])
    return None
