"""The server's half of RFC 1546's hand-over: the SYN-ACK leaves from the unicast address.

"How UDP and TCP Use Anycasting" (RFC 1546): an anycast address is only ever the destination of a
first SYN; the server answers from its own address, and the connection is with that from then on.
The application is not changed. One that listens on the wildcard address needs its SYNs turned into
SYNs to the unicast address, and nothing else; one bound to the service address itself has both
directions translated, on its ports.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from anycastlab.components import nft
from anycastlab.components.base import Component, Options, Place
from anycastlab.topology.network import Address

TABLE = "rfc1546-server"


class ServerOptions(Options):
    """Which services are handed over."""

    bound: list[int] = Field(
        [], description="TCP ports of applications bound to the service address itself."
    )


class Rfc1546Server(Component):
    """Hands TCP connections over from the service addresses to the node's own."""

    name: ClassVar[str] = "rfc1546-server"
    serves: ClassVar[bool] = False
    options: ClassVar[type[Options]] = ServerOptions

    def __init__(self) -> None:
        self._place: Place | None = None
        self._families: list[nft.Family] = []

    def start(self, place: Place, options: Options) -> None:
        """Load the rules, one table for each family."""
        assert isinstance(options, ServerOptions)
        self._place = place
        node = place.network.nodes[place.node]
        own: dict[nft.Family, Address] = {"ip": node.ipv4, "ip6": node.ipv6}
        for family, unicast in own.items():
            services = [
                address
                for group in place.network.groups.values()
                if place.node in group.instances
                for address in group.addresses
                if nft.family_of(address) == family
            ]
            if services:
                nft.load(place, rules(family, services, unicast, options.bound))
                self._families.append(family)

    def stop(self) -> None:
        """Take the rules away: connections that are handed over live on."""
        if self._place is not None and self._place.alive:
            for family in self._families:
                nft.remove(self._place, family, TABLE)
        self._families = []


def rules(family: nft.Family, services: list[Address], unicast: Address, bound: list[int]) -> str:
    """The table of one family."""
    every = ", ".join(map(str, services))
    lines = [f"table {family} {TABLE} {{", "chain incoming {"]
    lines += ["type filter hook prerouting priority raw; policy accept;"]
    ports = ", ".join(map(str, bound))
    if bound:
        lines += [f"{family} daddr {{ {every} }} tcp dport {{ {ports} }} accept"]
        lines += [
            f"{family} daddr {unicast} tcp dport {{ {ports} }} {family} daddr set {services[0]}"
        ]
    syn = "tcp flags & (syn|ack) == syn"
    lines += [f"{family} daddr {{ {every} }} {syn} {family} daddr set {unicast}", "}"]
    if bound:
        lines += ["chain outgoing {", "type route hook output priority mangle; policy accept;"]
        lines += [
            f"{family} saddr {{ {every} }} tcp sport {{ {ports} }} {family} saddr set {unicast}",
            "}",
        ]
    return "\n".join([*lines, "}", ""])
