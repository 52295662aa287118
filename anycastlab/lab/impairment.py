"""What links do to packets: delay, jitter, loss and so on, now and as written in the file.

Where the kernel has netem, both ends of an impaired link get it. Where it has not, the link is
built as a wire: two veth pairs whose inner ends lie in the lab's workshop, and a process between
them that does what netem would. That cannot be added later without tearing the link down, so links
the file says nothing of stay as they are there.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any, Literal

from anycastlab.errors import FeatureError
from anycastlab.kernel import messages, qdisc
from anycastlab.kernel.netlink import Netlink
from anycastlab.kernel.wire_process import WireProcess
from anycastlab.lab import wiring
from anycastlab.topology.network import Impairment, Interface, Link, Network

Means = Literal["netem", "wire"]
Send = Callable[[str, list[bytes], Iterable[int]], None]
"""Carries netlink messages out in a node, tolerating these errors."""

_NOTHING_THERE = (errno.ENOENT, errno.EINVAL)
"""What the kernel says when there is no netem to remove."""


class Impairments:
    """Impairs the links of one lab. ``now`` holds the links that the file or a fault names."""

    def __init__(self, network: Network, send: Send) -> None:
        self._network, self._send = network, send
        self._written = {
            link.name: link.impairment for link in network.links if link.impairment is not None
        }
        self.now = dict(self._written)
        self._workshop = -1
        self._netem: bool | None = None
        self._wires: WireProcess | None = None

    def open(self, workshop: int) -> None:
        """Find the means the links will need; to be called in the workshop's namespace."""
        self._workshop = workshop
        if self.now and not self._has_netem():
            self._wires = WireProcess(f"wires:{self._network.name}")

    def _has_netem(self) -> bool:
        if self._netem is None:
            self._netem = qdisc.has_netem(self._workshop)
        return self._netem

    def means(self, link: Link) -> Means | None:
        """By what a link is, or can be, impaired."""
        if self.is_wire(link):
            return "wire"
        return "netem" if self._has_netem() else None

    def is_wire(self, link: Link) -> bool:
        """Whether a link is built as a wire."""
        return self._wires is not None and link.name in self._written

    # -- links --------------------------------------------------------------------------------

    def veths(self, link: Link, descriptors: Mapping[str, int]) -> list[bytes]:
        """The messages that make a link; :meth:`made` must follow."""
        if not self.is_wire(link):
            return [wiring.link_veth(link, descriptors)]
        return [
            messages.veth(
                (end.index, end.name, end.mac, descriptors[end.node]),
                (_inner(end), f"w{end.index}", _inner_mac(end), self._workshop),
            )
            for end in (link.a, link.b)
        ]

    def made(self, links: Iterable[Link]) -> None:
        """Impair links that have just been made."""
        for link in links:
            if link.name in self.now:
                self._begin(link, self.now[link.name])

    def _begin(self, link: Link, how: Impairment) -> None:
        if self._wires is not None and link.name in self._written:
            self._wires.add(link.name, (_inner(link.a), _inner(link.b)), how)
        elif how:
            self._netem_both_ways(link, how)

    def _netem_both_ways(self, link: Link, how: Impairment) -> None:
        for end in (link.a, link.b):
            if how:
                self._send(end.node, [qdisc.netem(end.index, how)], ())
            else:
                self._send(end.node, [qdisc.no_netem(end.index)], _NOTHING_THERE)

    def unmade(self, links: Iterable[Link]) -> None:
        """Remove what the kernel leaves of links that have lost an end."""
        ends = [end for link in links if self.is_wire(link) for end in (link.a, link.b)]
        if ends:
            with Netlink(self._workshop) as workshop:
                gone = [messages.delete_link(_inner(end)) for end in ends]
                workshop.send(gone, tolerate=(errno.ENODEV,))

    # -- faults -------------------------------------------------------------------------------

    def as_written(self, link: Link) -> Impairment:
        """What the file says a link does."""
        return self._written.get(link.name, Impairment())

    def impair(self, link: Link, how: Impairment, made: bool) -> None:
        """Have a link do *how* from now on; when it is not *made* just now, once it is.

        Raises FeatureError for a link that cannot be impaired here.
        """
        if self.means(link) is None:
            raise FeatureError(
                f"this kernel has no netem, and {link.name} was not built to be impaired",
                "write `delay: 0ms` for that link in the topology",
            )
        if made and self._wires is not None:
            self._wires.impair(link.name, how)
        elif made:
            self._netem_both_ways(link, how)
        self.now[link.name] = how

    def trouble(self) -> str:
        """What is wrong with the wires themselves; '' when nothing is."""
        if self._wires is None or self._wires.runs:
            return ""
        named = ", ".join(self._written)
        return f"the process that carries the frames of impaired links ({named}) has ended"

    def describe(self) -> list[dict[str, Any]]:
        """Every link the file or a fault has impaired: by what means, and how."""
        return [
            {"link": link.name, "by": self.means(link), **asdict(self.now[link.name])}
            for link in self._network.links
            if link.name in self.now
        ]


def _inner(end: Interface) -> int:
    return wiring.port_index(end)


def _inner_mac(end: Interface) -> bytes:
    return b"\x02\x02" + end.index.to_bytes(4, "big")
