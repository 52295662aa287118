"""The addresses that routers hold as the kernel's own anycast (mode rfc2373), node by node."""

from __future__ import annotations

import socket
from collections.abc import Mapping

from anycastlab.kernel import anycast
from anycastlab.kernel.messages import LOOPBACK
from anycastlab.topology.network import Group, Network, Node

_A_SOCKET = 256
"""Addresses a socket may hold: the kernel bounds the memory of each (net.core.optmem_max)."""


class FormalAddresses:
    """Holds sockets in each node that has such addresses; they go when those are closed."""

    def __init__(self, network: Network, namespaces: Mapping[str, int]) -> None:
        self._network, self._namespaces = network, namespaces
        self._sockets: dict[str, list[socket.socket]] = {}
        self._given_up = set[tuple[str, bytes, int]]()

    def join(self, name: str) -> None:
        """Give a node its addresses; its interfaces must be up."""
        wanted, held = joined(self._network, self._network.nodes[name]), self._namespaces[name]
        for at in range(0, len(wanted), _A_SOCKET):
            part = anycast.join(held, wanted[at : at + _A_SOCKET])
            self._sockets.setdefault(name, []).append(part)

    def leave(self, name: str) -> None:
        """Take them from a node that dies: the socket would keep its namespace."""
        for one in self._sockets.pop(name, []):
            one.close()
        self._given_up = {one for one in self._given_up if one[0] != name}

    def hold(self, name: str, group: Group, held: bool) -> None:
        """Have a living member hold, or give up, its group's addresses that are of a LAN."""
        wanted = {address.packed for address in group.given_up if address in group.formal}
        for at, (packed, index) in enumerate(joined(self._network, self._network.nodes[name])):
            one, sock = (name, packed, index), self._sockets[name][at // _A_SOCKET]
            if packed in wanted and held is (one in self._given_up):
                (anycast.join_again if held else anycast.leave)(sock, packed, index)
                self._given_up ^= {one}


def joined(network: Network, node: Node) -> list[tuple[bytes, int]]:
    """Return a node's formal addresses, each with the index of the interface that has it.

    That is the port on the LAN whose address it is; any other is on `lo`, which no cut takes down.
    """
    ports = {port.segment: port.index for port in node.interfaces}
    return [
        (address.packed, ports.get(group.on_link.get(address, ""), LOOPBACK))
        for group in network.groups.values()
        if node.name in group.instances
        for address in group.addresses
        if address in group.formal
    ]
