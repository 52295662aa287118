"""The edge of a segment routing domain: no header from outside comes in (RFC 8754, section 5.1)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from pydantic import Field

from anycastlab.components import nft
from anycastlab.components.base import Component, Mention, Options, Place
from anycastlab.components.srv6.names import Names
from anycastlab.errors import UsageError

TABLE = "srv6-edge"


class EdgeOptions(Options):
    """Who is outside."""

    outside: Names = Field(description="The neighbours that are outside, or LANs.")

    def mentions(self) -> Iterable[Mention]:
        """Those outside."""
        return (Mention("outside", one, "neighbour") for one in self.outside)


class Srv6Edge(Component):
    """Drops what comes from outside with a segment routing header, and counts it."""

    name: ClassVar[str] = "srv6-edge"
    options: ClassVar[type[Options]] = EdgeOptions

    def __init__(self) -> None:
        self._place: Place | None = None

    def start(self, place: Place, options: Options) -> None:
        """Load the rules. Raises UsageError, ProgramError."""
        assert isinstance(options, EdgeOptions)
        nft.load(place, rules(_interfaces(place, options.outside)))
        self._place = place

    def stop(self) -> None:
        """Take the rules away."""
        if self._place is not None and self._place.alive:
            nft.remove(self._place, "ip6", TABLE)
        self._place = None

    def tell(self) -> Mapping[str, Any]:
        """How many packets were dropped."""
        assert self._place is not None
        command = ["nft", "-j", "list", "counter", "ip6", TABLE, "dropped"]
        found = json.loads(self._place.program(command, nft.PACKAGE))["nftables"]
        return {"dropped": next(one["counter"]["packets"] for one in found if "counter" in one)}


def rules(interfaces: list[str]) -> str:
    """The table: routing headers of type 4 are dropped as they come in."""
    names = ", ".join(f'"{name}"' for name in interfaces)
    return "\n".join(
        [
            f"table ip6 {TABLE} {{",
            "counter dropped { }",
            "chain in {",
            "type filter hook prerouting priority raw; policy accept;",
            f"iifname {{ {names} }} rt type 4 counter name dropped drop",
            "}",
            "}",
            "",
        ]
    )


def _interfaces(place: Place, outside: list[str]) -> list[str]:
    network = place.network
    found = {}
    for link in network.links:
        for near, far in ((link.a, link.b), (link.b, link.a)):
            if near.node == place.node:
                found[far.node] = near.name
    for lan in network.lans:
        for port in lan.ports:
            if port.node == place.node:
                found[lan.name] = port.name
    for name in outside:
        if name not in found:
            raise UsageError(f"{name!r} is no neighbour of {place.node!r}")
    return [found[name] for name in outside]
