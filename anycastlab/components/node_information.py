"""A responder of IPv6 Node Information (RFC 4620): ask an anycast address for a unicast one.

The query goes to the service address and reaches the nearest instance, which answers from its own
address with its own addresses; the client connects to one of those. Global addresses as askers are
refused unless allowed (section 8). Linux itself neither answers these queries nor complains.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, ClassVar, Literal

from pydantic import Field

from anycastlab.components import node_information_wire as wire
from anycastlab.components.base import Component, Options, Place, Socket
from anycastlab.components.node_information_wire import Message

_ICMP6_FILTER = 1
_AT_ONCE = 64
_LARGEST = 1024


class ResponderOptions(Options):
    """Who is answered."""

    allow: Literal["local", "all"] = Field(
        "local", description="Who is answered: link-local askers only, or all."
    )
    refuse: Literal["answer", "silent"] = Field(
        "answer", description="How others are refused: with code 1, or not answered at all."
    )


class NodeInformation(Component):
    """Tells the node's name and its unicast addresses."""

    name: ClassVar[str] = "node-information"
    options: ClassVar[type[Options]] = ResponderOptions

    def __init__(self) -> None:
        self._place: Place | None = None
        self._socket: Socket | None = None
        self._wanted = ResponderOptions()
        self._counts = {"answered": 0, "refused": 0, "ignored": 0}

    def start(self, place: Place, options: Options) -> None:
        """Read queries from now on."""
        assert isinstance(options, ResponderOptions)
        self._place, self._wanted = place, options
        queries = place.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        queries.setsockopt(socket.IPPROTO_ICMPV6, _ICMP6_FILTER, _only(wire.QUERY))
        queries.setblocking(False)
        place.watch(queries, self._ready)
        self._socket = queries

    def stop(self) -> None:
        """Answer no more."""
        if self._socket is not None and self._place is not None:
            self._place.unwatch(self._socket)
            self._socket.close()
            self._socket = None

    def tell(self) -> Mapping[str, Any]:
        """How many queries were answered, refused, or ignored as not meant for this node."""
        return dict(self._counts)

    def _ready(self, queries: Socket) -> None:
        for _ in range(_AT_ONCE):
            try:
                data, asker = queries.recvfrom(_LARGEST)
                reply = self._reply(data, ip_address(asker[0].partition("%")[0]))
                if reply is not None:
                    queries.sendto(reply.packed(), asker)
            except BlockingIOError:
                return
            except OSError:  # this asker cannot be reached; the next one may
                continue

    def _reply(self, data: bytes, asker: IPv4Address | IPv6Address) -> Message | None:
        query = Message.read(data)
        if query is None or query.kind != wire.QUERY or not self._is_about_us(query):
            self._counts["ignored"] += 1
            return None
        if self._wanted.allow == "local" and not asker.is_link_local:
            self._counts["refused"] += 1
            silent = self._wanted.refuse == "silent"
            return None if silent else self._said(query, wire.REFUSED)
        self._counts["answered"] += 1
        return self._answer(query)

    def _is_about_us(self, query: Message) -> bool:
        """Whether a query's subject is this node (RFC 4620, section 5)."""
        assert self._place is not None
        node = self._place.network.nodes[self._place.node]
        if query.code == wire.SUBJECT_NAME:
            return not query.data or wire.subject_name(query.data) == node.name
        known = {
            node.ipv4.packed,
            node.ipv6.packed,
            *(i.ipv4.packed for i in node.interfaces),
            *(i.ipv6.packed for i in node.interfaces),
            *(
                address.packed
                for group in self._place.network.groups.values()
                if node.name in group.instances
                for address in group.addresses
            ),
        }
        return query.data in known

    def _answer(self, query: Message) -> Message:
        assert self._place is not None
        node = self._place.network.nodes[self._place.node]
        if query.qtype == wire.NOOP:
            return self._said(query, wire.SUCCESS)
        if query.qtype == wire.NODE_NAME:
            return self._said(query, wire.SUCCESS, wire.name_data(node.name))
        if query.qtype == wire.NODE_ADDRESSES:
            unicast: list[IPv6Address] = []
            if query.flags & wire.GLOBAL:
                unicast.append(node.ipv6)
            if query.flags & wire.GLOBAL and query.flags & wire.ALL_INTERFACES:
                unicast += [interface.ipv6.ip for interface in node.interfaces]
            return self._said(query, wire.SUCCESS, wire.address_data(unicast))
        if query.qtype == wire.IPV4_ADDRESSES:
            return self._said(query, wire.SUCCESS, wire.address_data([node.ipv4]))
        return self._said(query, wire.UNKNOWN)

    def _said(self, query: Message, code: int, data: bytes = b"") -> Message:
        flags = query.flags & ~wire.TRUNCATED if code == wire.SUCCESS else 0
        return Message(wire.REPLY, code, query.qtype, flags, query.nonce, data)


def _only(kind: int) -> bytes:
    """A filter that lets one type of ICMPv6 message pass (RFC 3542, section 3.2)."""
    words = [0xFFFFFFFF] * 8
    words[kind >> 5] &= ~(1 << (kind & 31))
    return struct.pack("8I", *words)
