"""The flows of a stream: one for each client and address family, each on a socket of its own."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from anycastlab.errors import UsageError, did_you_mean
from anycastlab.kernel.packet import enlarge_receive_buffer
from anycastlab.kernel.stamps import stamp_received
from anycastlab.probing.craft import words
from anycastlab.probing.dialect import Answer, Dialect, source_of
from anycastlab.probing.echo import Echo
from anycastlab.probing.filters import only_replies_and_errors
from anycastlab.probing.nodes import Nodes
from anycastlab.probing.plan import address_family, targets
from anycastlab.probing.request import Request
from anycastlab.probing.stream_record import Flow, StreamProtocol
from anycastlab.topology.network import Family, Network

__all__ = ["Flow", "Outlet", "flows", "open_outlet"]

_BUFFER = 8 << 20
_DIALECTS: Mapping[StreamProtocol, Callable[[Family], Dialect]] = {"icmp": Echo, "udp": Request}


def flows(
    network: Network, clients: Iterable[str], group: str, families: Sequence[Family]
) -> tuple[Flow, ...]:
    """The flows from *clients* to each of the group's addresses of these families.

    Raises UsageError for an unknown client or group, and for a group without such an address.
    """
    if group not in network.groups:
        raise UsageError(f"no group {group!r}{did_you_mean(group, network.groups)}")
    senders = tuple(dict.fromkeys(clients))
    if not senders:
        raise UsageError("no client is left to send anything")
    for name in senders:
        _want_client(network, name)
    aims = [
        (family, aim) for family in families for aim in targets([network.groups[group]], family)
    ]
    if not aims:
        wanted = " or ".join(f"IPv{family}" for family in families)
        raise UsageError(f"group {group!r} has no {wanted} address")
    return tuple(Flow(client, family, aim) for client in senders for family, aim in aims)


def _want_client(network: Network, name: str) -> None:
    if name not in network.nodes:
        raise UsageError(f"no node {name!r}{did_you_mean(name, network.nodes)}")
    role = network.nodes[name].role
    if role != "client":
        raise UsageError(f"{name!r} is a {role}, not a client")


@dataclass(frozen=True, slots=True)
class Outlet:
    """A flow's socket, shared by the process that sends and the one that reads the answers."""

    flow: Flow
    socket: socket.socket
    packet: Callable[[int, int], bytes]
    answer: Callable[[bytes], Answer | None]
    address: tuple[str, int]
    words: int
    """The sum of the 16-bit words of both addresses, for checksums."""


def open_outlet(nodes: Nodes, flow: Flow, protocol: StreamProtocol) -> Outlet:
    """Open a flow's socket in its client. Raises UsageError when the client is dead."""
    dialect = _DIALECTS[protocol](flow.family)
    source = source_of(nodes.network, flow.client, flow.family)
    sock = nodes.socket(flow.client, address_family(flow.family), *_kind(flow.family, protocol))
    if protocol == "icmp":
        only_replies_and_errors(sock, flow.family)
    stamp_received(sock)
    enlarge_receive_buffer(sock, _BUFFER)
    sock.setblocking(False)
    sock.bind((str(source), 0))
    return Outlet(
        flow,
        sock,
        dialect.packet,
        dialect.answer,
        (flow.target.address, dialect.port),
        words(source.packed) + flow.target.words,
    )


def _kind(family: Family, protocol: StreamProtocol) -> tuple[int, int]:
    """The type and protocol of a flow's socket."""
    if protocol == "udp":
        return socket.SOCK_DGRAM, socket.IPPROTO_UDP
    return socket.SOCK_RAW, socket.IPPROTO_ICMP if family == 4 else socket.IPPROTO_ICMPV6
