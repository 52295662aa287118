"""A segment: an anycast SID that packets are sent by way of (RFC 8402, section 3.3).

Every router of the set has the same SID, a service address of a group, and the nearest acts on it.
The address leaves `lo`, whose rule would be first: the SID is a local route that acts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Literal

from pydantic import Field

from anycastlab.components.base import Component, Mention, Options, Place
from anycastlab.components.srv6.names import IPROUTE2, ipv6_of

Behaviour = Literal["End.DT6", "End", "End.PSP"]

_ACTIONS: Mapping[Behaviour, tuple[str, ...]] = MappingProxyType(
    {
        "End.DT6": ("action", "End.DT6", "table", "254"),
        "End": ("action", "End"),
        "End.PSP": ("action", "End", "flavors", "psp"),
    }
)


class EndOptions(Options):
    """Which SID, and what it does."""

    sid: str = Field(description="The group whose IPv6 address is the SID.")
    behaviour: Behaviour = Field(
        "End.DT6",
        description="What it does (RFC 8986, section 4): End.DT6 unwraps what srv6-via wraps; End "
        "goes to the next segment; End.PSP does too, and takes the header off before the last.",
    )

    def mentions(self) -> Iterable[Mention]:
        """The SID's group."""
        return (Mention("sid", self.sid, "group", "ipv6"),)

    def claims(self) -> Iterable[str]:
        """The SID."""
        return (f"the SID of {self.sid}",)


class Srv6End(Component):
    """Acts on a SID, and counts."""

    name: ClassVar[str] = "srv6-end"
    options: ClassVar[type[Options]] = EndOptions

    def __init__(self) -> None:
        self._place: Place | None = None
        self._sid, self._behaviour = "", ""

    def start(self, place: Place, options: Options) -> None:
        """Put the acting route in the place of the address. Raises ProgramError, FeatureError."""
        assert isinstance(options, EndOptions)
        self._sid = str(ipv6_of(place.network, options.sid))
        self._behaviour = options.behaviour
        place.sysctl(_switched(place, "1"))
        if place.node in place.network.groups[options.sid].instances:
            place.program(["ip", "-6", "addr", "del", f"{self._sid}/128", "dev", "lo"], IPROUTE2)
        act = (*_ACTIONS[options.behaviour], "count")
        self._route(place, "add", "encap", "seg6local", *act)
        self._place = place

    def stop(self) -> None:
        """Let the address be an ordinary one again."""
        if self._place is not None and self._place.alive:
            self._route(self._place, "del")
            address = ["ip", "-6", "addr", "add", f"{self._sid}/128", "dev", "lo", "nodad"]
            self._place.program(address, IPROUTE2)
            self._place.sysctl(_switched(self._place, "0"))
        self._place = None

    def _route(self, place: Place, do: str, *encap: str) -> None:
        table = ("dev", "lo", "table", "local")
        command = ["ip", "-6", "route", do, "local", f"{self._sid}/128", *encap, *table]
        place.program(command, IPROUTE2)

    def tell(self) -> Mapping[str, Any]:
        """The packets that went by way of this router, by the kernel's own count."""
        assert self._place is not None
        command = ["ip", "-j", "-s", "-6", "route", "show", "table", "local", self._sid]
        (route,) = json.loads(self._place.program(command, IPROUTE2))
        counted = route.get("stats64", {})
        return {
            "sid": self._sid,
            "behaviour": self._behaviour,
            "packets": counted.get("packets"),
            "errors": counted.get("errors"),
        }


def _switched(place: Place, value: str) -> dict[str, str]:
    """Whether the node reads segment routing headers, on all interfaces and those to come."""
    ports = [port.name for port in place.network.nodes[place.node].interfaces]
    return {f"ipv6/conf/{one}/seg6_enabled": value for one in ("all", "default", *ports)}
