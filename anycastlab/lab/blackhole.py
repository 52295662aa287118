"""Black holes: packets vanish on their way out of an interface, and nobody is told.

The carrier stays, the interfaces stay up, the sender sees no error: only a protocol's own timers
can tell. Packets vanish before they leave, so no tap at the far end records them.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from anycastlab.errors import FeatureError, UsageError
from anycastlab.kernel import qdisc
from anycastlab.kernel.netlink import NetlinkError
from anycastlab.lab import wiring
from anycastlab.lab.ways import Way
from anycastlab.topology.network import Interface, Lan, Link, Network

Exit: TypeAlias = tuple[str, int, str]
"""An interface packets leave by: its namespace's key, its index, the node at the other side."""

_GONE = (errno.ENODEV, errno.ENOENT, errno.EINVAL)


class BlackHoles:
    """The black holes of one lab; they stay when a node dies and comes back."""

    def __init__(
        self,
        network: Network,
        namespaces: Mapping[str, int],
        send: Callable[[str, list[bytes], Iterable[int]], None],
    ) -> None:
        """*namespaces* are those that live; *send* carries netlink messages out in one."""
        self._network, self._namespaces, self._send = network, namespaces, send
        self._holes: dict[str, tuple[tuple[str, ...], Way, frozenset[Exit]]] = {}
        self._dug: set[Exit] = set()

    def describe(self) -> list[dict[str, Any]]:
        """The links, LAN ports and nodes whose packets vanish, as named, and which way."""
        return [{"place": place, "way": way} for place, way, _ in self._holes.values()]

    def dig(self, name: str, place: tuple[str, ...], way: Way, exits: frozenset[Exit]) -> None:
        """Let what leaves by *exits* vanish. Raises UsageError, FeatureError."""
        if name in self._holes:
            raise UsageError(f"{name} is a black hole already")
        self._holes[name] = place, way, exits
        try:
            self.refresh()
        except NetlinkError as error:
            del self._holes[name]
            if error.errno != errno.ENOENT:
                raise
            raise FeatureError(
                "this kernel has no clsact or no BPF classifier",
                "sudo modprobe -a sch_ingress cls_bpf",
            ) from None

    def fill(self, name: str) -> None:
        """Let packets through again. Raises UsageError."""
        if name not in self._holes:
            raise UsageError(f"{name} is no black hole")
        del self._holes[name]
        self.refresh()

    def refresh(self) -> None:
        """Make the kernel agree, also after a node has died or come back."""
        wanted = {exit_ for _, _, exits in self._holes.values() for exit_ in exits}
        self._dug = set(filter(self._exists, self._dug))
        for namespace, index, beyond in self._dug - wanted:
            self._send(namespace, [qdisc.swallow_no_more(index)], _GONE)
            self._dug.remove((namespace, index, beyond))
        for namespace, index, beyond in set(filter(self._exists, wanted - self._dug)):
            self._send(namespace, qdisc.swallow(index), ())
            self._dug.add((namespace, index, beyond))

    def _exists(self, place: Exit) -> bool:
        namespace, _index, beyond = place
        return namespace in self._namespaces and beyond in self._namespaces


def node_exits(network: Network, node: str, way: Way) -> frozenset[Exit]:
    """The exits out of a node, into it, or both."""
    found = [exit_ for pair in _pairs(network) for exit_ in pair]
    out = {exit_ for exit_ in found if exit_[0] == node}
    into = {exit_ for exit_ in found if exit_[2] == node}
    return frozenset({"out": out, "in": into}.get(way, out | into))


def link_exits(link: Link | tuple[Lan, Interface], first: str, way: Way) -> frozenset[Exit]:
    """The exits of a link, or of a port on a LAN, as seen from the end named *first*."""
    near, far = _link_pair(link) if isinstance(link, Link) else _port_pair(*link)
    if near[0] != first:
        near, far = far, near
    return frozenset({"there": {near}, "back": {far}}.get(way, {near, far}))


def _link_pair(link: Link) -> tuple[Exit, Exit]:
    a, b = link.a, link.b
    return (a.node, a.index, b.node), (b.node, b.index, a.node)


def _port_pair(lan: Lan, port: Interface) -> tuple[Exit, Exit]:
    key = wiring.lan_namespace(lan)
    return (port.node, port.index, key), (key, wiring.port_index(port), port.node)


def _pairs(network: Network) -> Iterator[tuple[Exit, Exit]]:
    yield from map(_link_pair, network.links)
    for lan in network.lans:
        for port in lan.ports:
            yield _port_pair(lan, port)
