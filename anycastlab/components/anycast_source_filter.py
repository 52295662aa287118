"""A router that holds others to RFC 2373: an anycast address is never a source (section 2.6).

It forwards no packet whose source is an address of mode rfc2373, and says nothing to the sender: an
ICMPv6 error never goes to an anycast address (RFC 4443, section 2.4). RFC 4291 lifted the rule, so
addresses that are shared as unicast pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from anycastlab.components import nft
from anycastlab.components.base import Component, Options, Place
from anycastlab.topology.network import Address

TABLE = "anycast-source-filter"


class AnycastSourceFilter(Component):
    """Drops what it should forward from an anycast address, and counts it."""

    name: ClassVar[str] = TABLE
    serves: ClassVar[bool] = False
    forwards: ClassVar[bool] = True

    def __init__(self) -> None:
        self._place: Place | None = None

    def start(self, place: Place, options: Options) -> None:
        """Load the rules."""
        groups = place.network.groups.values()
        nft.load(place, rules([one for group in groups for one in group.formal]))
        self._place = place

    def stop(self) -> None:
        """Take the rules away."""
        if self._place is not None and self._place.alive:
            nft.remove(self._place, "ip6", TABLE)
        self._place = None

    def tell(self) -> Mapping[str, Any]:
        """How many packets were dropped."""
        if self._place is None:
            return {}
        return nft.counters(self._place, "ip6", TABLE)


def rules(sources: Iterable[Address]) -> str:
    """The table; without *sources* it drops nothing."""
    listed = ", ".join(sorted(map(str, sources)))
    rule = f'ip6 saddr {{ {listed} }} counter name "dropped" drop' if listed else ""
    return f"""\
table ip6 {TABLE} {{
counter dropped {{
}}
chain forward {{
type filter hook forward priority filter; policy accept;
{rule}
}}
}}
"""
