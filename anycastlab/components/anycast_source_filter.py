"""A router that holds others to RFC 2373: an anycast address is never a source (section 2.6).

It forwards no packet whose source is an address of mode rfc2373, and says nothing to the sender: an
ICMPv6 error never goes to an anycast address (RFC 4443, section 2.4). RFC 4291 lifted the rule, so
addresses that are shared as unicast pass.
"""

from __future__ import annotations

from typing import ClassVar

from anycastlab.components import nft
from anycastlab.components.base import Options, Place
from anycastlab.components.filter import Filter


class AnycastSourceFilter(Filter):
    """Drops what it should forward from an anycast address, and counts it."""

    name: ClassVar[str] = "anycast-source-filter"
    forwards: ClassVar[bool] = True
    family: ClassVar[nft.Family] = "ip6"

    def rules(self, place: Place, options: Options) -> str:
        """What comes from an address of mode rfc2373 is dropped; without one, nothing is."""
        groups = place.network.groups.values()
        listed = ", ".join(sorted(str(one) for group in groups for one in group.formal))
        rule = f'ip6 saddr {{ {listed} }} counter name "dropped" drop' if listed else ""
        return f"""\
counter dropped {{
}}
chain forward {{
type filter hook forward priority filter; policy accept;
{rule}
}}"""
