"""Watch what a node's neighbour cache holds of its LAN, and the frames that say so."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from ipaddress import ip_address
from types import TracebackType
from typing import Any

from anycastlab.errors import UsageError
from anycastlab.kernel import neighbour_entries
from anycastlab.kernel.messages import NEWNEIGH, family_of
from anycastlab.kernel.neighbour_entries import DELNEIGH, Entry
from anycastlab.kernel.netlink import Netlink, split
from anycastlab.kernel.packet import Tap
from anycastlab.probing.neighbour_frames import KEPT, Frame, frame_about, recorded
from anycastlab.probing.nodes import Nodes
from anycastlab.topology.network import Address, Interface, Network

_BUFFER = 1 << 20


@dataclass(frozen=True, slots=True)
class Held:
    """What the cache holds for an address from a time on (ns, real time): a MAC, or none."""

    stamp: int
    mac: bytes
    state: str


@dataclass(slots=True)
class Record:
    """All that was seen of one address; both lists are in the order of time.

    The kernel stamps frames; a change of the cache has the time when it was read.
    """

    address: Address
    index: int
    frames: list[Frame] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)


def ports_towards(network: Network, node: str, group: str) -> list[tuple[Address, Interface]]:
    """The addresses of a group that a node has on one of its LANs, each with its port there."""
    ports = {port.segment: port for port in network.nodes[node].interfaces}
    on_link = network.groups[group].on_link
    return [(address, ports[lan]) for address, lan in on_link.items() if lan in ports]


def holders(network: Network) -> dict[bytes, str]:
    """Whose port has which MAC."""
    nodes = network.nodes.values()
    return {port.mac: node.name for node in nodes for port in node.interfaces}


def cache(nodes: Nodes, node: str) -> list[dict[str, Any]]:
    """All that a node's caches hold, as JSON: of whom the address is, and whose the MAC.

    Raises UsageError for a node that is dead.
    """
    held = nodes.namespaces([node])
    if node not in held:
        raise UsageError(f"node {node!r} is dead")
    macs, owners = holders(nodes.network), _owners(nodes.network)
    ports = {port.index: port.name for port in nodes.network.nodes[node].interfaces}
    with Netlink(held[node]) as asks:
        found = [
            entry
            for family in (socket.AF_INET, socket.AF_INET6)
            for entry in neighbour_entries.entries(asks, family)
        ]
    return [
        {
            "address": str(ip_address(entry.address)),
            "of": owners.get(entry.address),
            "holder": macs.get(entry.mac, entry.mac.hex(":")) or None,
            "state": entry.state,
            "interface": ports.get(entry.port, str(entry.port)),
        }
        for entry in sorted(found)
    ]


def _owners(network: Network) -> dict[bytes, str]:
    """The group or the node that has an address."""
    owned = {one.packed: group.name for group in network.groups.values() for one in group.addresses}
    for node in network.nodes.values():
        own = [port.link_local for port in node.interfaces]
        own += [one.packed for port in node.interfaces for one in (port.ipv4.ip, port.ipv6.ip)]
        owned |= dict.fromkeys(own, node.name)
    return owned


class NeighbourWatch:
    """Watches some addresses at one node, from its making to its end; a context manager.

    Nothing is seen but while :meth:`until` reads; what happens between is read with the next.
    Raises UsageError for a node that is dead.
    """

    def __init__(
        self, nodes: Nodes, node: str, towards: Sequence[tuple[Address, Interface]]
    ) -> None:
        self.records = [Record(address, port.index) for address, port in towards]
        self.began = time.time_ns()
        held = nodes.namespaces([node])
        if node not in held:
            raise UsageError(f"node {node!r} is dead")
        with ExitStack() as stack:
            self._asks = stack.enter_context(Netlink(held[node]))
            self._hears = stack.enter_context(Netlink(held[node], neighbour_entries.GROUP))
            sock = nodes.socket(node, socket.AF_PACKET, socket.SOCK_RAW)
            self._tap = Tap(sock, recorded(), keep=KEPT, buffer=_BUFFER, slots=16)
            stack.enter_context(closing(self._tap))
            self._open = stack.pop_all()
        self._poll = select.poll()
        for readable in (self._hears.socket, self._tap):
            self._poll.register(readable, select.POLLIN)
        self.look()

    def __enter__(self) -> NeighbourWatch:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def use(self) -> None:
        """Use the entries as a packet to each of the addresses would.

        Those that are permanent are let be: they need no use, and the kernel would let them expire.
        """
        wanted = [one for one in self.records if one.held[-1].state != "permanent"]
        if wanted:
            self._asks.send(
                [neighbour_entries.use(one.index, one.address.packed) for one in wanted]
            )

    def forget(self) -> None:
        """Take the entries away."""
        for one in self.records:
            neighbour_entries.forget(self._asks, one.index, one.address.packed)

    def until(self, due: float) -> None:
        """Read all that happens until *due* (monotonic clock)."""
        while (left := due - time.monotonic()) > 0:
            if self._poll.poll(max(1, left * 1000)):
                self._take()
        self._take()

    def look(self) -> None:
        """Note what the cache holds now, whether or not the kernel has told."""
        now = time.time_ns()
        for family in {family_of(one.address.packed) for one in self.records}:
            found = {entry.address: entry for entry in self._entries(family)}
            for one in self.records:
                if len(one.address.packed) == (4 if family == socket.AF_INET else 16):
                    self._note(one, found.get(one.address.packed), now)

    def _entries(self, family: int) -> Iterable[Entry]:
        return neighbour_entries.entries(self._asks, family)

    def _note(self, record: Record, entry: Entry | None, now: int) -> None:
        mac, state = (entry.mac, entry.state) if entry is not None else (b"", "none")
        last = record.held[-1] if record.held else None
        if last is None or (last.mac, last.state) != (mac, state):
            record.held.append(Held(now, mac, state))

    def _take(self) -> None:
        for _, _, _, _, _, _, seconds, nanoseconds, data in self._tap.read():
            stamp = seconds * 1_000_000_000 + nanoseconds
            for one in self.records:
                if (frame := frame_about(one.address.packed, data, stamp)) is not None:
                    one.frames.append(frame)
        now = time.time_ns()
        while self._waits():
            for kind, _, _, payload in split(self._hears.socket.recv(1 << 16)):
                if kind in (NEWNEIGH, DELNEIGH):
                    self._event(kind, payload, now)

    def _waits(self) -> bool:
        return bool(select.select([self._hears.socket], [], [], 0)[0])

    def _event(self, kind: int, payload: bytes, now: int) -> None:
        entry = neighbour_entries.entry_of(payload)
        for one in self.records:
            if entry is not None and (entry.address, entry.port) == (
                one.address.packed,
                one.index,
            ):
                self._note(one, entry if kind == NEWNEIGH else None, now)
