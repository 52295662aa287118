"""The link-layer multicast scheme for anycast on a LAN (Metz, "IP Anycast"; RFC 1546).

A service address stands for a group of stations: every frame to it reaches all members, none of
which is singled out. Nobody asks by ARP who has the address, so there is nothing to expire; TCP
takes no part, since Linux does not let it (RFC 1122, section 4.2.3.10). The group's MAC is a choice
of this lab's, as for IP multicast: 01:00:5e and the low 23 bits of an IPv4 address (RFC 1112,
section 6.4), 33:33 and the low 32 bits of an IPv6 address (RFC 2464, section 7).
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any, ClassVar

from pydantic import Field

from anycastlab.components.base import Component, Mention, Options, Place
from anycastlab.errors import UsageError
from anycastlab.kernel import neighbour_entries
from anycastlab.topology.network import Address, Interface

_ADD_MEMBERSHIP, _MULTICAST = 1, 0  # of packet(7)
_SOL_PACKET = 263
_LOW_23_BITS = (1 << 23) - 1


class LinkMulticastOptions(Options):
    """Whose addresses."""

    group: str = Field(description="The group, whose addresses are of a LAN of the node.")

    def mentions(self) -> Iterable[Mention]:
        """The group."""
        return (Mention("group", self.group, "group", "on-link"),)

    def claims(self) -> Iterable[str]:
        """The group."""
        return (f"the stations of {self.group}",)


class LinkMulticast(Component):
    """Sends what is for a group's address to all members at once; members take it in."""

    name: ClassVar[str] = "link-multicast"
    options: ClassVar[type[Options]] = LinkMulticastOptions
    serves: ClassVar[bool] = False

    def __init__(self) -> None:
        self._place: Place | None = None
        self._joined = ExitStack()
        self._entries: list[tuple[int, Address]] = []

    def start(self, place: Place, options: Options) -> None:
        """Join the group of stations as a member; else have an entry that leads to it."""
        assert isinstance(options, LinkMulticastOptions)
        found = list(_ports(place, options.group))
        if not found:
            raise UsageError(f"{options.group!r} has no address on a LAN of {place.node!r}")
        self._place = place
        for address, port in found:
            if place.node in place.network.groups[options.group].instances:
                self._join(place, port.index, group_mac(address))
            else:
                with place.netlink() as sock:
                    mac = group_mac(address)
                    sock.send([neighbour_entries.permanent(port.index, address.packed, mac)])
            self._entries.append((port.index, address))

    def _join(self, place: Place, index: int, mac: bytes) -> None:
        sock = self._joined.enter_context(place.socket(socket.AF_PACKET, socket.SOCK_DGRAM))
        request = struct.pack("=iHH8s", index, _MULTICAST, len(mac), mac)
        sock.setsockopt(_SOL_PACKET, _ADD_MEMBERSHIP, request)

    def stop(self) -> None:
        """Leave the group of stations, take the entries away."""
        self._joined.close()
        if self._place is not None and self._place.alive:
            with self._place.netlink() as sock:
                for index, address in self._entries:
                    neighbour_entries.forget(sock, index, address.packed)
        self._entries.clear()

    def tell(self) -> Mapping[str, Any]:
        """The MAC of each address."""
        return {str(address): group_mac(address).hex(":") for _, address in self._entries}


def group_mac(address: Address) -> bytes:
    """The six bytes all members listen to."""
    if address.version == 6:
        return b"\x33\x33" + address.packed[-4:]
    return b"\x01\x00\x5e" + (int(address) & _LOW_23_BITS).to_bytes(3, "big")


def _ports(place: Place, name: str) -> Iterator[tuple[Address, Interface]]:
    group = place.network.groups.get(name)
    ports = {port.segment: port for port in place.network.nodes[place.node].interfaces}
    for address, lan in group.on_link.items() if group is not None else ():
        if lan in ports:
            yield address, ports[lan]
