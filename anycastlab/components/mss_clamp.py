"""A router that lowers the segment size of TCP connections through it (RFC 4459, section 3.2).

Packets that are small enough from the start need no path MTU discovery, so it does not matter whom
an ICMP message to an anycast address reaches.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from anycastlab.components.base import Options, Place
from anycastlab.components.filter import Filter


class ClampOptions(Options):
    """How small."""

    mtu: int = Field(1280, ge=576, le=65535, description="The largest packet wanted, in bytes.")


class MssClamp(Filter):
    """Writes a smaller maximum segment size into each SYN it forwards."""

    name: ClassVar[str] = "mss-clamp"
    forwards: ClassVar[bool] = True
    options: ClassVar[type[Options]] = ClampOptions

    def rules(self, place: Place, options: Options) -> str:
        """IP and TCP headers take 40 bytes of a packet, or 60."""
        assert isinstance(options, ClampOptions)
        lines = ["chain forward {", "type filter hook forward priority mangle; policy accept;"]
        for family, size in (("ipv4", options.mtu - 40), ("ipv6", options.mtu - 60)):
            lines += [
                f"meta nfproto {family} tcp flags syn tcp option maxseg size > {size} "
                f"tcp option maxseg size set {size}"
            ]
        return "\n".join([*lines, "}"])
