"""Ask a home subnet for its home agents (RFC 6275, section 11.4.1)."""

from __future__ import annotations

import select
import socket
import time
from dataclasses import dataclass
from ipaddress import IPv6Address
from random import getrandbits
from typing import Any

from anycastlab.components import home_agent_wire as wire
from anycastlab.errors import UsageError
from anycastlab.kernel.icmpv6 import only
from anycastlab.probing.nodes import Nodes
from anycastlab.topology.network import Network


@dataclass(frozen=True, slots=True)
class Discovery:
    """The agents that were named, by node, the preferred one first; who said so, and from where.

    ``replies`` counts them: one is due.
    """

    asked: str
    agents: tuple[str, ...]
    answered_by: str | None
    source: str | None
    replies: int

    def as_json(self) -> dict[str, Any]:
        """The same as plain data."""
        return {
            "asked": self.asked,
            "agents": list(self.agents),
            "answered_by": self.answered_by,
            "reply_from": self.source,
            "replies": self.replies,
        }


def discover(nodes: Nodes, client: str, group: str, within: float, linger: float) -> Discovery:
    """Ask a group's IPv6 address; wait for a reply, then *linger* seconds for more of them.

    Raises UsageError for a group without an IPv6 address, or a dead client.
    """
    network = nodes.network
    asked = next((a for a in network.groups[group].addresses if a.version == 6), None)
    if asked is None:
        raise UsageError(f"group {group!r} has no IPv6 address to ask")
    identifier, found = getrandbits(16), list[tuple[bytes, str]]()
    deadline = time.monotonic() + within
    with nodes.socket(client, socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as asking:
        only(asking, wire.REPLY)
        asking.bind((str(network.nodes[client].ipv6), 0))
        asking.sendto(wire.request(identifier), (str(asked), 0))
        while (left := deadline - time.monotonic()) > 0:
            if select.select([asking], [], [], left)[0]:
                data, sender = asking.recvfrom(2048)
                if wire.identifier_of(data, wire.REPLY) == identifier:
                    found.append((data, str(sender[0])))
                    deadline = min(deadline, time.monotonic() + linger)
    if not found:
        return Discovery(str(asked), (), None, None, 0)
    data, source = found[0]
    agents = tuple(_owner(network, agent) for agent in wire.agents_of(data))
    return Discovery(str(asked), agents, _owner(network, IPv6Address(source)), source, len(found))


def _owner(network: Network, address: IPv6Address) -> str:
    """The node that has an address as its own; the address where none has."""
    for node in network.nodes.values():
        if address in (node.ipv6, *(port.ipv6.ip for port in node.interfaces)):
            return node.name
    return str(address)
