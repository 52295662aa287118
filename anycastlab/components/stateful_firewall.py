"""A stateful middlebox: a router that forwards only what belongs to a connection it saw begin.

What anycast meets in the middle (RFC 7094, section 4.3): a SYN-ACK from an address nobody sent a
SYN to is dropped, and so is what comes along in the middle of a connection, after a route has
changed. Neither end is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from pydantic import Field

from anycastlab.components import nft
from anycastlab.components.base import Component, Mention, Options, Place
from anycastlab.errors import UsageError, did_you_mean

TABLE = "stateful-firewall"


class FirewallOptions(Options):
    """Which of the router's neighbours it protects."""

    inside: list[str] = Field(min_length=1, description="The neighbours (nodes, LANs) it protects.")

    def mentions(self) -> Iterable[Mention]:
        """Those inside."""
        return (Mention("inside", one, "neighbour") for one in self.inside)


class StatefulFirewall(Component):
    """Lets connections begin from inside only, and drops what belongs to none."""

    name: ClassVar[str] = "stateful-firewall"
    serves: ClassVar[bool] = False
    forwards: ClassVar[bool] = True
    options: ClassVar[type[Options]] = FirewallOptions

    def __init__(self) -> None:
        self._place: Place | None = None

    def start(self, place: Place, options: Options) -> None:
        """Load the rules."""
        assert isinstance(options, FirewallOptions)
        nft.load(place, rules(_interfaces(place, options.inside)))
        self._place = place

    def stop(self) -> None:
        """Take the rules away."""
        if self._place is not None and self._place.alive:
            nft.remove(self._place, "inet", TABLE)
        self._place = None

    def tell(self) -> Mapping[str, Any]:
        """How many packets were dropped: from outside, or of no known connection."""
        if self._place is None:
            return {}
        return nft.counters(self._place, "inet", TABLE)


def _interfaces(place: Place, inside: list[str]) -> list[str]:
    """The names of the interfaces towards these neighbours. Raises UsageError for no neighbour."""
    network, towards = place.network, dict[str, str]()
    for link in network.links:
        for here, there in ((link.a, link.b), (link.b, link.a)):
            if here.node == place.node:
                towards[there.node] = here.name
    for lan in network.lans:
        for port in lan.ports:
            if port.node == place.node:
                towards[lan.name] = port.name
    for name in inside:
        if name not in towards:
            hint = did_you_mean(name, towards) or f"; they are {', '.join(towards)}"
            raise UsageError(f"{TABLE} of {place.node!r}: {name!r} is no neighbour{hint}")
    return [towards[name] for name in inside]


def rules(inside: list[str]) -> str:
    """The table; *inside* are interfaces."""
    names = ", ".join(f'"{name}"' for name in inside)
    return f"""\
table inet {TABLE} {{
counter unknown {{
}}
counter outside {{
}}
chain forward {{
type filter hook forward priority filter; policy accept;
ct state established,related accept
iifname != {{ {names} }} oifname != {{ {names} }} accept
ct state invalid counter name "unknown" drop
meta l4proto tcp tcp flags & (syn|ack) != syn counter name "unknown" drop
iifname != {{ {names} }} counter name "outside" drop
}}
}}
"""
