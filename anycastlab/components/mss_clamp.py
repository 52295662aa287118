"""A router that lowers the segment size of TCP connections through it (RFC 4459, section 3.2).

Packets that are small enough from the start need no path MTU discovery, so it does not matter whom
an ICMP message to an anycast address reaches.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from anycastlab.components import nft
from anycastlab.components.base import Component, Options, Place

TABLE = "mss-clamp"


class ClampOptions(Options):
    """How small."""

    mtu: int = Field(1280, ge=576, le=65535, description="The largest packet wanted, in bytes.")


class MssClamp(Component):
    """Writes a smaller maximum segment size into each SYN it forwards."""

    name: ClassVar[str] = "mss-clamp"
    serves: ClassVar[bool] = False
    forwards: ClassVar[bool] = True
    options: ClassVar[type[Options]] = ClampOptions

    def __init__(self) -> None:
        self._place: Place | None = None

    def start(self, place: Place, options: Options) -> None:
        """Load the rules."""
        assert isinstance(options, ClampOptions)
        nft.load(place, rules(options.mtu))
        self._place = place

    def stop(self) -> None:
        """Take the rules away."""
        if self._place is not None and self._place.alive:
            nft.remove(self._place, "inet", TABLE)
        self._place = None


def rules(mtu: int) -> str:
    """The table: IP and TCP headers take 40 bytes of a packet, or 60."""
    lines = [f"table inet {TABLE} {{", "chain forward {"]
    lines += ["type filter hook forward priority mangle; policy accept;"]
    for family, size in (("ipv4", mtu - 40), ("ipv6", mtu - 60)):
        lines += [
            f"meta nfproto {family} tcp flags syn tcp option maxseg size > {size} "
            f"tcp option maxseg size set {size}"
        ]
    return "\n".join([*lines, "}", "}", ""])
