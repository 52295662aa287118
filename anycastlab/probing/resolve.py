"""Ask an anycast address for a unicast one, by IPv6 Node Information (RFC 4620)."""

from __future__ import annotations

import os
import select
import socket
import time
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Any, Literal

from anycastlab.components import node_information_wire as wire
from anycastlab.components.node_information_wire import Message
from anycastlab.errors import UsageError
from anycastlab.probing.nodes import Nodes

ASK_AGAIN = 0.5
"""Seconds without a reply after which the query is sent again: it may have been lost."""
_LARGEST = 2048

Answer = Literal["resolved", "refused", "silent"]


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a client learnt: the addresses an instance says are its own, and where it said it from.

    ``node`` is the node of the lab that has the first of these addresses; ``strange`` counts
    replies that were ignored: another nonce, another question, nonsense, or from an address that is
    none of those they tell.
    """

    client: str
    group: str
    asked: str
    answer: Answer
    source: str | None
    addresses: tuple[str, ...]
    node: str | None
    strange: int
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """The object of ``resolve --json``."""
        return {
            "client": self.client,
            "group": self.group,
            "asked": self.asked,
            "answer": self.answer,
            "from": self.source,
            "addresses": list(self.addresses),
            "node": self.node,
            "ignored": self.strange,
            "rtt_ms": round(self.seconds * 1e3, 3),
        }


def resolve(nodes: Nodes, client: str, group: str, within: float = 2.0) -> Resolution:
    """Ask a group's IPv6 address from a client for the global unicast addresses behind it.

    Raises UsageError for a group without an IPv6 address, or a dead client.
    """
    asked = next((a for a in nodes.network.groups[group].addresses if a.version == 6), None)
    if asked is None:
        raise UsageError(f"group {group!r} has no IPv6 address to ask")
    nonce = os.urandom(8)
    flags = wire.GLOBAL | wire.ALL_INTERFACES
    query = Message(wire.QUERY, wire.SUBJECT_IPV6, wire.NODE_ADDRESSES, flags, nonce, asked.packed)
    began, strange = time.monotonic(), 0
    with nodes.socket(client, socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as asking:
        asking.bind((str(nodes.network.nodes[client].ipv6), 0))
        for reply, source in _replies(asking, query, str(asked), began + within):
            if reply is None:
                strange += 1
                continue
            addresses = tuple(map(str, reply.addresses()))
            answer: Answer = "resolved" if reply.code == wire.SUCCESS else "refused"
            seconds = time.monotonic() - began
            found = _owner(nodes, addresses)
            return Resolution(
                client, group, str(asked), answer, source, addresses, found, strange, seconds
            )
    seconds = time.monotonic() - began
    return Resolution(client, group, str(asked), "silent", None, (), None, strange, seconds)


def _replies(asking: socket.socket, query: Message, asked: str, deadline: float) -> Any:
    """Each reply with its source until the deadline; None for one that does not fit the query."""
    asking.setblocking(False)
    poll = select.poll()
    poll.register(asking, select.POLLIN)
    while time.monotonic() < deadline:
        asking.sendto(query.packed(), (asked, 0))
        again = min(deadline, time.monotonic() + ASK_AGAIN)
        while (left := again - time.monotonic()) > 0:
            if not poll.poll(left * 1e3):
                break
            data, sender = asking.recvfrom(_LARGEST)
            if data[:1] != bytes((wire.REPLY,)):
                continue
            reply = Message.read(data)
            yield (reply if reply and _fits(reply, query, sender[0]) else None), sender[0]


def _fits(reply: Message, query: Message, source: str) -> bool:
    """Whether a reply is to this query, and of its sender, who is among the addresses it tells."""
    if (reply.nonce, reply.qtype) != (query.nonce, query.qtype):
        return False
    whole = reply.code == wire.SUCCESS and not reply.flags & wire.TRUNCATED
    return not whole or IPv6Address(source) in reply.addresses()


def _owner(nodes: Nodes, addresses: tuple[str, ...]) -> str | None:
    if not addresses:
        return None
    first = IPv6Address(addresses[0])
    for node in nodes.network.nodes.values():
        if first == node.ipv6 or any(first == i.ipv6.ip for i in node.interfaces):
            return node.name
    return None
