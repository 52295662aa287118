"""The edge of a segment routing domain: no header from outside comes in (RFC 8754, section 5.1)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from pydantic import Field

from anycastlab.components import nft
from anycastlab.components.base import Mention, Options, Place
from anycastlab.components.filter import Filter, interfaces
from anycastlab.components.srv6.names import Names


class EdgeOptions(Options):
    """Who is outside."""

    outside: Names = Field(description="The neighbours that are outside, or LANs.")

    def mentions(self) -> Iterable[Mention]:
        """Those outside."""
        return (Mention("outside", one, "neighbour") for one in self.outside)


class Srv6Edge(Filter):
    """Drops what comes from outside with a segment routing header, and counts it."""

    name: ClassVar[str] = "srv6-edge"
    options: ClassVar[type[Options]] = EdgeOptions
    family: ClassVar[nft.Family] = "ip6"

    def rules(self, place: Place, options: Options) -> str:
        """Routing headers of type 4 are dropped as they come in."""
        assert isinstance(options, EdgeOptions)
        return f"""\
counter dropped {{
}}
chain in {{
type filter hook prerouting priority raw; policy accept;
iifname {interfaces(place, options.outside)} rt type 4 counter name "dropped" drop
}}"""
