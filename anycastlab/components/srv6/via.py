"""A source that sends what is for one destination by way of segments (RFC 8754, section 3.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv6Address
from typing import Any, ClassVar, Literal

from pydantic import Field

from anycastlab.components.base import Component, Mention, Options, Place
from anycastlab.components.srv6.names import IPROUTE2, Names, ipv6_of
from anycastlab.errors import UsageError


class ViaOptions(Options):
    """Where to, and by way of whom."""

    to: str = Field(description="The group or node that packets are for.")
    through: Names = Field(
        description="The groups (or nodes) whose IPv6 addresses are the segments."
    )
    mode: Literal["encap", "inline"] = Field(
        "encap", description="encap: the packet is wrapped; inline: the header is put into it."
    )

    def mentions(self) -> Iterable[Mention]:
        """The destination and the segments."""
        names = (("to", self.to), *(("through", one) for one in self.through))
        return (Mention(option, name, "group or node", "ipv6") for option, name in names)

    def claims(self) -> Iterable[str]:
        """Where packets are for."""
        return (f"the way to {self.to}",)


class Srv6Via(Component):
    """A route that puts a segment routing header on."""

    name: ClassVar[str] = "srv6-via"
    options: ClassVar[type[Options]] = ViaOptions

    def __init__(self) -> None:
        self._place: Place | None = None
        self._to, self._segments = "", ""

    def start(self, place: Place, options: Options) -> None:
        """Add the route. Raises UsageError, ProgramError."""
        assert isinstance(options, ViaOptions)
        network = place.network
        self._to = f"{ipv6_of(network, options.to)}/128"
        self._segments = ",".join(str(ipv6_of(network, one)) for one in options.through)
        interface, gateway = _first_hop(place)
        encap = ["encap", "seg6", "mode", options.mode, "segs", self._segments]
        where = ["via", str(gateway), "dev", interface, "metric", "1"]
        own = ["src", str(network.nodes[place.node].ipv6)]
        place.program(["ip", "-6", "route", "add", self._to, *encap, *where, *own], IPROUTE2)
        self._place = place

    def stop(self) -> None:
        """Take the route away."""
        if self._place is not None and self._place.alive:
            place, command = self._place, ["ip", "-6", "route", "del", self._to, "metric", "1"]
            place.program(command, IPROUTE2)
        self._place = None

    def tell(self) -> Mapping[str, Any]:
        """The destination and the segments."""
        return {"to": self._to, "segments": self._segments}


def _first_hop(place: Place) -> tuple[str, IPv6Address]:
    """Return any neighbour: where packets go is decided afresh once they have the header."""
    network = place.network
    for link in network.links:
        for near, far in ((link.a, link.b), (link.b, link.a)):
            if near.node == place.node:
                return near.name, far.ipv6.ip
    raise UsageError(f"node {place.node!r} has no link to send by")
