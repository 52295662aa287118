"""How long the nodes of LANs believe what ARP and Neighbour Discovery told them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Neighbour:
    """The timers of neighbour caches, in seconds; None leaves the kernel's own. See the format."""

    reachable: float | None = None
    delay: float | None = None
    probes: int | None = None
    retrans: float | None = None
    locktime: float | None = None
    anycast_delay: float | None = None
