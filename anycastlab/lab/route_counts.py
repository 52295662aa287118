"""How many routes a node's kernel holds, by what they lead to, and the memory they take."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from socket import AF_INET, AF_INET6
from typing import Any, Protocol

from anycastlab.kernel import namespace, routes
from anycastlab.kernel.netlink import Netlink
from anycastlab.routing.table import Prefix
from anycastlab.topology.network import Family, Network

KINDS = ("service", "aggregate", "discard", "default", "loopback", "link", "other")
"""Routes to service addresses, to prefixes that cover them, discard routes, default routes, routes
to nodes' own addresses (or blocks of them), to links and LANs (connected too), and the rest."""

_SIZE = re.compile(r"Main:.*?Total size: *(\d+) *kB", re.DOTALL)
_FAMILIES: Mapping[Family, int] = {4: AF_INET, 6: AF_INET6}


class Held(Protocol):
    """A lab: its network, and the descriptor of each node's namespace."""

    @property
    def network(self) -> Network:
        """The network."""
        ...

    def namespace(self, node: str) -> int:
        """A descriptor of a node's namespace. Raises UsageError when the node is dead."""
        ...


@dataclass(frozen=True, slots=True)
class RouteCount:
    """One node's routes of one family; ``bytes`` is the size of the kernel's trie, if it tells."""

    node: str
    family: Family
    kinds: Mapping[str, int]
    bytes: int | None

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.kinds.values())

    def of(self, kind: str) -> int:
        """The number of a kind, or of all of them (``total``)."""
        return self.total if kind == "total" else self.kinds.get(kind, 0)

    def as_json(self) -> dict[str, Any]:
        """The object that ``routes --json`` prints."""
        kinds = {kind: self.kinds.get(kind, 0) for kind in KINDS}
        return {
            "node": self.node,
            "family": self.family,
            "total": self.total,
            **kinds,
            "bytes": self.bytes,
        }


class RouteCounter:
    """Counts the routes of a lab's nodes."""

    def __init__(self, lab: Held) -> None:
        self._lab = lab
        self._kind_of = dict(_kinds(lab.network))

    def count(self, node: str, families: Iterable[Family] = (4, 6)) -> list[RouteCount]:
        """Return the counts of a living node. Raises UsageError for a dead one."""
        held = self._lab.namespace(node)
        with Netlink(held) as socket:
            return [
                RouteCount(
                    node,
                    family,
                    Counter(
                        self._kind(prefix, discards)
                        for prefix, discards in routes.entries(
                            socket.dump(routes.request(_FAMILIES[family]))
                        )
                    ),
                    _trie_bytes(held) if family == 4 else None,
                )
                for family in families
            ]

    def _kind(self, prefix: Prefix, discards: bool) -> str:
        if discards:
            return "discard"
        if not prefix.length:
            return "default"
        return self._kind_of.get(prefix) or self._block(prefix)

    def _block(self, prefix: Prefix) -> str:
        """Tell a block of loopbacks, as compact tables have, from what is none of the lab's."""
        network = ip_network((prefix.address, prefix.length))
        nodes = self._lab.network.nodes.values()
        return (
            "loopback" if any(_holds(network, node.ipv4, node.ipv6) for node in nodes) else "other"
        )


def _holds(network: IPv4Network | IPv6Network, *addresses: Any) -> bool:
    return any(address.version == network.version and address in network for address in addresses)


def _kinds(network: Network) -> Iterable[tuple[Prefix, str]]:
    for segment in (*network.links, *network.lans):
        for subnet in _subnets(segment):
            yield Prefix(subnet.network_address.packed, subnet.prefixlen), "link"
    for node in network.nodes.values():
        for address in (node.ipv4, node.ipv6):
            yield Prefix(address.packed, address.max_prefixlen), "loopback"
    for one in network.routing.aggregates:
        yield Prefix(one.prefix.network_address.packed, one.prefix.prefixlen), "aggregate"
    for group in network.groups.values():
        for address in group.addresses:
            yield Prefix(address.packed, address.max_prefixlen), "service"


def _subnets(segment: Any) -> tuple[Any, Any]:
    if hasattr(segment, "ports"):
        return segment.ipv4, segment.ipv6
    return segment.a.ipv4.network, segment.a.ipv6.network


def _trie_bytes(held: int) -> int | None:
    """The size of a namespace's IPv4 trie, which some kernels tell (CONFIG_IP_FIB_TRIE_STATS)."""
    with namespace.inside(held):
        try:
            text = Path("/proc/thread-self/net/fib_triestat").read_text()
        except OSError:
            return None
    found = _SIZE.search(text)
    return int(found[1]) * 1024 if found else None
