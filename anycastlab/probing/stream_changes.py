"""Which node noticed what, and changed which route, while a stream ran."""

from __future__ import annotations

import resource
import socket
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address
from struct import Struct

from anycastlab.errors import UsageError
from anycastlab.kernel.messages import DELLINK, DELROUTE, NEWLINK, NEWROUTE
from anycastlab.kernel.monitor import Event, Monitor
from anycastlab.kernel.packet import namespace_cookie
from anycastlab.kernel.routes import table
from anycastlab.probing.nodes import Nodes
from anycastlab.probing.stream_record import Change, Flow, What
from anycastlab.routing.table import Hop, Prefix
from anycastlab.topology.network import Interface, Network

_LINK = Struct("=4xiI")  # of struct ifinfomsg: index, flags
_UP, _LOWER_UP = 0x1, 0x10000


class Watch:
    """Watches every living node of a lab. Closing it makes a killed node's namespace go."""

    def __init__(self, nodes: Nodes) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, hard), hard))
        self._nodes = nodes
        self._cookies: dict[str, bytes] = {}
        self._monitor = Monitor()
        self.refresh()

    def refresh(self) -> None:
        """Watch nodes that have come back, too."""
        for name in self._nodes.network.nodes:
            try:
                there = self._nodes.socket(name, socket.AF_INET, socket.SOCK_DGRAM)
            except UsageError:  # it is dead
                continue
            with there:
                cookie = namespace_cookie(there)
                if self._cookies.get(name) != cookie:
                    self._monitor.watch(name, there)
                    self._cookies[name] = cookie

    def start(self) -> None:
        """Begin to listen."""
        self._monitor.start()

    def close(self) -> None:
        """Stop listening."""
        self._monitor.close()

    def end(self, flows: Iterable[Flow]) -> tuple[Change, ...]:
        """Stop; return what concerns links, or the routes by which these flows are forwarded."""
        self._monitor.stop()
        return tuple(changes(self._monitor.events(), self._nodes.network, flows))


def changes(events: Iterable[Event], network: Network, flows: Iterable[Flow]) -> Iterator[Change]:
    """Translate what the kernels said.

    An event of a link counts when the link's state changes; one of a route, where the flows pass.
    """
    names = _Names(network)
    targets = {flow.target.packed for flow in flows}
    usable: dict[tuple[str, int], bool] = {}
    for event in events:
        if event.kind in (NEWLINK, DELLINK):
            index, flags = _LINK.unpack_from(event.payload)
            works = event.kind == NEWLINK and bool(flags & _UP and flags & _LOWER_UP)
            changed = usable.get((event.name, index), True) != works
            usable[event.name, index] = works
            if changed and index in names.interfaces:
                far = names.far_end(index)
                yield Change(event.stamp, event.name, "link back" if works else "link lost", far)
        elif network.nodes[event.name].role != "server":  # which forwards nothing
            yield from _routes(event, names, targets)


def _routes(event: Event, names: _Names, targets: Iterable[bytes]) -> Iterator[Change]:
    if event.kind not in (NEWROUTE, DELROUTE):
        return
    for prefix, hops in table(iter([event.payload])).items():
        if any(covers(prefix, target) for target in targets):
            via = tuple(dict.fromkeys(names.next_node(hop) for hop in hops))
            what: What = "route" if event.kind == NEWROUTE else "route gone"
            about = f"{ip_address(prefix.address)}/{prefix.length}"
            yield Change(event.stamp, event.name, what, about, via if what == "route" else ())


def covers(prefix: Prefix, address: bytes) -> bool:
    """Whether an address lies in a prefix."""
    if len(prefix.address) != len(address):
        return False
    shift = 8 * len(address) - prefix.length
    ours, theirs = (int.from_bytes(one, "big") for one in (prefix.address, address))
    return ours >> shift == theirs >> shift


class _Names:
    """Who is at the other end of an interface."""

    def __init__(self, network: Network) -> None:
        self.interfaces: Mapping[int, Interface] = {
            interface.index: interface
            for node in network.nodes.values()
            for interface in node.interfaces
        }
        self._far = {
            near.index: far.node
            for link in network.links
            for near, far in ((link.a, link.b), (link.b, link.a))
        }
        self._owner = {
            address.ip.packed: interface.node
            for interface in self.interfaces.values()
            for address in (interface.ipv4, interface.ipv6)
        }

    def far_end(self, index: int) -> str:
        return self._far.get(index, self.interfaces[index].segment)

    def next_node(self, hop: Hop) -> str:
        """The node of a next hop: known by the gateway, or by the link when that is link-local."""
        node = self._owner.get(hop.gateway) or self._far.get(hop.interface)
        return node or f"interface {hop.interface}"
