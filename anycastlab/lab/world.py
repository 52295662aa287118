"""The kernel objects of a lab: namespaces, links, LANs, addresses; built, broken, repaired."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterable, Sequence

from anycastlab.errors import NotReadyError
from anycastlab.kernel import connected, messages, namespace
from anycastlab.kernel.netlink import Netlink, send_each
from anycastlab.kernel.sysctl import SysctlWriter
from anycastlab.lab import readiness, wiring
from anycastlab.lab.blackhole import BlackHoles
from anycastlab.lab.formal import FormalAddresses
from anycastlab.lab.impairment import Impairments
from anycastlab.lab.sysctls import names as sysctl_names
from anycastlab.lab.sysctls import sysctls, write_sysctls
from anycastlab.topology.network import Address, Interface, Lan, Link, Network

Progress = Callable[[str, int, int], None]

_NO_LINK = (errno.ENODEV,)
"""A link is gone when the node at its other end is dead."""
_NO_ADDRESS = (errno.EADDRNOTAVAIL,)
"""Somebody may have taken it away by hand."""
_SENDS_WITHIN = 1.0
"""Seconds for both ends of a mended link to send; somebody may have set one down by hand."""
_MUTE = {"ipv6/conf/default/disable_ipv6": "1"}
"""What lies in the workshop between two nodes must not speak to them."""


class World:
    """The namespaces of one lab, each held by one descriptor, and what is in them.

    ``namespaces`` maps a node's name (or a LAN's, see wiring.lan_namespace) to its descriptor.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self.namespaces: dict[str, int] = {}
        self._number = {name: number for number, name in enumerate(network.nodes)}
        self._links_of: dict[str, list[Link]] = {name: [] for name in network.nodes}
        self._ports_of: dict[str, list[tuple[Lan, Interface]]] = {
            name: [] for name in network.nodes
        }
        for link in network.links:
            self._links_of[link.a.node].append(link)
            self._links_of[link.b.node].append(link)
        for lan in network.lans:
            for port in lan.ports:
                self._ports_of[port.node].append((lan, port))
        self._sysctls = SysctlWriter()
        self._workshop = -1
        self.impairments = Impairments(network, self.send)
        self.black_holes = BlackHoles(network, self.namespaces, self.send)
        self._formal = FormalAddresses(network, self.namespaces)

    # -- bring up -----------------------------------------------------------------------------

    def open_workshop(self) -> None:
        """Move this process into a namespace of its own: every link is made from there."""
        self._workshop = namespace.create()
        self._sysctls.learn(sysctl_names())
        self._sysctls.write(_MUTE)
        self.impairments.open(self._workshop)

    def build_namespaces(self, progress: Progress) -> None:
        """Make every namespace and set its sysctls."""
        wanted = wiring.namespaces(self.network)
        with namespace.returning_home():
            for done, name in enumerate(wanted):
                self._make_namespace(name)
                progress("namespaces", done + 1, len(wanted))
        self._sysctls.close()

    def _make_namespace(self, name: str) -> None:
        self.namespaces[name] = namespace.create()
        self._sysctls.renew()
        node = self.network.nodes.get(name)
        if node is not None:
            multipath = self.network.routing.multipath
            self._sysctls.write(sysctls(node, self._number[name], multipath))

    def build_links(self) -> None:
        """Make every LAN's bridge, then every link, both ends in their namespaces."""
        for lan in self.network.lans:
            self.send(wiring.lan_namespace(lan), wiring.bridge_messages())
        pairs = self._veths(self.network.links)
        for lan in self.network.lans:
            pairs += [wiring.port_veth(lan, port, self.namespaces) for port in lan.ports]
        with Netlink(self._workshop) as workshop:
            workshop.send(pairs)
        self.impairments.made(self.network.links)

    def _veths(self, links: Iterable[Link]) -> list[bytes]:
        return [veth for link in links for veth in self.impairments.veths(link, self.namespaces)]

    def configure(self) -> None:
        """Bring up every interface and give it its addresses."""
        for lan in self.network.lans:
            ports = [message for port in lan.ports for message in wiring.port_messages(port)]
            self.send(wiring.lan_namespace(lan), ports)
        for name in self.network.nodes:
            self.send(name, self._node_messages(name))
            self._formal.join(name)
            self._set_own_sysctls(name)

    def _set_own_sysctls(self, name: str) -> None:
        own = self.network.nodes[name].sysctls
        if own:
            write_sysctls(name, self.namespaces[name], own)

    def _node_messages(self, name: str) -> list[bytes]:
        found = wiring.loopback_messages(self.network.nodes[name], self.network)
        for link in self._links_of[name]:
            end, peer = (link.a, link.b) if link.a.node == name else (link.b, link.a)
            found += wiring.link_end_messages(end, peer, link.mtu)
        for _lan, port in self._ports_of[name]:
            found += wiring.lan_end_messages(port, self.network.neighbour)
        return found + wiring.on_link_messages(self.network.nodes[name], self.network)

    def wait_ready(self, deadline: float) -> None:
        """Wait until every interface that is up has a carrier, and IPv6 addresses are usable.

        *deadline* is on the monotonic clock. Raises NotReadyError naming node and condition.
        """
        for name, descriptor in self.namespaces.items():
            last = self._last_address(name)
            if missing := readiness.wait(descriptor, deadline, address=last):
                raise NotReadyError(f"node {name!r} is not ready: {missing}")

    def _last_address(self, name: str) -> Address | None:
        """The address of a node to wait for; a LAN's namespace has none."""
        node = self.network.nodes.get(name)
        return None if node is None else wiring.last_address(node, self.network)

    # -- use ----------------------------------------------------------------------------------

    def send(self, name: str, batch: list[bytes], tolerate: Iterable[int] = ()) -> None:
        """Carry out netlink messages in one namespace."""
        if batch:
            with Netlink(self.namespaces[name]) as socket:
                socket.send(batch, tolerate)

    def send_each(
        self, batches: Iterable[tuple[str, Sequence[bytes]]], tolerate: Iterable[int] = ()
    ) -> None:
        """Carry out messages from netlink.prepare, in one living namespace after the other."""
        held = self.namespaces
        send_each(((held[name], chunks) for name, chunks in batches if name in held), tolerate)

    # -- faults -------------------------------------------------------------------------------

    def silence(self, name: str) -> None:
        """Take every interface of a node down: from here on the node is dead to its neighbours."""
        interfaces = self.network.nodes[name].interfaces
        self.send(name, [messages.link_down(i.index) for i in interfaces], tolerate=_NO_LINK)

    def destroy(self, name: str) -> int:
        """Remove a node's links and let its namespace go; return the namespace's inode number.

        The links go first: a socket somebody else holds in the namespace cannot keep it connected.
        """
        self._formal.leave(name)
        descriptor = self.namespaces.pop(name)
        number = namespace.inode(descriptor)
        with Netlink(descriptor) as socket:
            socket.send([messages.delete_lab_links()], tolerate=_NO_LINK)
        self.impairments.unmade(self._links_of[name])
        self.black_holes.refresh()
        os.close(descriptor)
        return number

    def revive(self, name: str, cut: frozenset[str]) -> None:
        """Make a destroyed node again, with its links to all living neighbours."""
        with namespace.returning_home():
            self._make_namespace(name)
        self._sysctls.close()
        links = [link for link in self._links_of[name] if self.both_alive(link)]
        pairs = self._veths(links)
        ports = self._ports_of[name]
        pairs += [wiring.port_veth(lan, port, self.namespaces) for lan, port in ports]
        with Netlink(self._workshop) as workshop:
            workshop.send(pairs)
        self.impairments.made(links)
        self.black_holes.refresh()
        self.send(name, wiring.loopback_messages(self.network.nodes[name], self.network))
        for link in links:
            if link.name not in cut:
                self.mend_link(link)
            else:
                self.cut_link(link)
        for lan, port in ports:
            self.send(name, wiring.lan_end_messages(port, self.network.neighbour))
            if f"{lan.name}:{name}" not in cut:
                self.mend_port(lan, port)
        node = self.network.nodes[name]
        self.send(name, wiring.on_link_messages(node, self.network))
        self._formal.join(name)
        self._set_own_sysctls(name)
        deadline = time.monotonic() + _SENDS_WITHIN
        readiness.wait(self.namespaces[name], deadline, messages.LOOPBACK, self._last_address(name))

    def hold(self, name: str, group: str, held: bool) -> None:
        """Have a member hold, or give up, its group's addresses of a LAN: see Group.given_up."""
        node, which = self.network.nodes[name], self.network.groups[group]
        if name in self.namespaces:
            self.send(name, wiring.given_up_messages(node, which, held), tolerate=_NO_ADDRESS)
            self._formal.hold(name, which, held)

    def both_alive(self, link: Link) -> bool:
        """Whether a link is there at all."""
        return link.a.node in self.namespaces and link.b.node in self.namespaces

    def cut_link(self, link: Link) -> None:
        """Take the carrier from both ends of a link."""
        for end in (link.a, link.b):
            if self.both_alive(link):
                self.send(end.node, [messages.link_down(end.index)])

    def mend_link(self, link: Link) -> None:
        """Bring both ends up again, with the addresses the kernel took away from them."""
        if self.both_alive(link):
            for end, peer in ((link.a, link.b), (link.b, link.a)):
                self.send(end.node, wiring.link_end_messages(end, peer, link.mtu))
            deadline = time.monotonic() + _SENDS_WITHIN
            for end in (link.a, link.b):
                readiness.wait(self.namespaces[end.node], deadline, end.index)

    def cut_port(self, lan: Lan, port: Interface) -> None:
        """Unplug a node from its LAN, at the LAN's side."""
        self._port(lan, port, [messages.link_down(wiring.port_index(port))])

    def mend_port(self, lan: Lan, port: Interface) -> None:
        """Plug a node into its LAN again: no other router is its way there any more."""
        self._port(lan, port, wiring.port_messages(port))
        if self.network.nodes[port.node].forwards and port.node in self.namespaces:
            self.send(port.node, [connected.route(port.index, port.ipv4)])

    def _port(self, lan: Lan, port: Interface, batch: list[bytes]) -> None:
        if port.node in self.namespaces:
            self.send(wiring.lan_namespace(lan), batch)
