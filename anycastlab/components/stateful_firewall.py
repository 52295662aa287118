"""A stateful middlebox: a router that forwards only what belongs to a connection it saw begin.

What anycast meets in the middle (RFC 7094, section 4.3): a SYN-ACK from an address nobody sent a
SYN to is dropped, and so is what comes along in the middle of a connection, after a route has
changed. Neither end is told.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from pydantic import Field

from anycastlab.components.base import Mention, Options, Place
from anycastlab.components.filter import Filter, interfaces


class FirewallOptions(Options):
    """Which of the router's neighbours it protects."""

    inside: list[str] = Field(min_length=1, description="The neighbours (nodes, LANs) it protects.")

    def mentions(self) -> Iterable[Mention]:
        """Those inside."""
        return (Mention("inside", one, "neighbour") for one in self.inside)


class StatefulFirewall(Filter):
    """Lets connections begin from inside only, and drops what belongs to none."""

    name: ClassVar[str] = "stateful-firewall"
    forwards: ClassVar[bool] = True
    options: ClassVar[type[Options]] = FirewallOptions

    def rules(self, place: Place, options: Options) -> str:
        """What is from outside, or of no known connection, is dropped."""
        assert isinstance(options, FirewallOptions)
        inside = interfaces(place, options.inside)
        return f"""\
counter unknown {{
}}
counter outside {{
}}
chain forward {{
type filter hook forward priority filter; policy accept;
ct state established,related accept
iifname != {inside} oifname != {inside} accept
ct state invalid counter name "unknown" drop
meta l4proto tcp tcp flags & (syn|ack) != syn counter name "unknown" drop
iifname != {inside} counter name "outside" drop
}}"""
