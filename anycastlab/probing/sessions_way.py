"""How a client begins its sessions: at the service address, or at what it resolved that to.

To resolve is to ask the service address by node information (RFC 4620) for the addresses behind it.
What a session then uses of those is the whole difference between the ways.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address
from typing import Literal
from urllib.parse import urlsplit

from anycastlab.errors import UsageError
from anycastlab.probing.nodes import Nodes
from anycastlab.probing.plan import address_family
from anycastlab.probing.resolve import resolve
from anycastlab.probing.stream_flows import Flow

By = Literal["service-address", "node-information", "http-redirect", "source-route", "quic"]
"""``service-address``: connect to it. ``node-information``: resolve it, connect to the instance's
own. ``http-redirect``: ask its web server, and connect to where that sends one (RFC 9110, section
15.4). ``source-route``: resolve it, and reach the service address through the instance's own, by
the loose source route of every packet (RFC 791, section 3.1). ``quic``: connect to it, by QUIC,
which moves to the instance's own address if that is offered (RFC 9000, section 9.6)."""

_HTTP, _PATIENCE = 80, 2.0
_LSRR, _POINTER, _NOP = 131, 4, 1


@dataclass(frozen=True, slots=True)
class Way:
    """Where a session connects to, and the IP options of its packets (none if empty)."""

    address: str
    options: bytes = b""

    def prepare(self, sock: socket.socket) -> None:
        """Give a socket its options."""
        if self.options:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, self.options)


def ways(nodes: Nodes, flows: Sequence[Flow], by: By) -> Mapping[Flow, Way]:
    """The way of each flow, resolved where that is needed.

    Raises UsageError when an instance does not tell its address, or no source route is possible.
    """
    return {flow: _way(nodes, flow, by) for flow in flows}


def _way(nodes: Nodes, flow: Flow, by: By) -> Way:
    if by in ("service-address", "quic"):
        return Way(flow.target.address)
    if by == "http-redirect":
        return Way(_redirected(nodes, flow))
    found = resolve(nodes, flow.client, flow.target.group)
    if found.node is None:
        raise UsageError(f"{flow.client!r} asked {found.asked} for its instance: {found.answer}")
    node = nodes.network.nodes[found.node]
    if by == "node-information":
        return Way(str(node.ipv4 if flow.family == 4 else node.ipv6))
    if flow.family == 6:
        raise UsageError("IPv6 has no loose source route any more (RFC 5095): use family: 4")
    return Way(flow.target.address, loose_source_route(node.ipv4))


def _redirected(nodes: Nodes, flow: Flow) -> str:
    """The address in the Location a service address answers with. Raises UsageError for none."""
    host, family = flow.target.address, address_family(flow.family)
    with nodes.socket(flow.client, family, socket.SOCK_STREAM) as client:
        client.settimeout(_PATIENCE)
        try:
            client.connect((host, _HTTP))
            client.sendall(b"GET / HTTP/1.1\r\nHost: anycast\r\nConnection: close\r\n\r\n")
            head = b"".join(iter(lambda: client.recv(4096), b""))
        except OSError as error:
            raise UsageError(f"{flow.client!r} asked http://{host}: {error}") from error
    for line in head.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(": ")
        if name.lower() == "location":
            return str(urlsplit(value).hostname)
    raise UsageError(f"http://{host} redirects nobody: give its http component redirect: 307")


def loose_source_route(through: IPv4Address | str) -> bytes:
    """The option that leads packets through an address (RFC 791): type, length, pointer, route."""
    hop = ip_address(through).packed
    return bytes((_LSRR, 3 + len(hop), _POINTER)) + hop + bytes((_NOP,))
