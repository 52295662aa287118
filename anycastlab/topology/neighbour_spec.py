"""The timers of neighbour caches, as the file writes them under ``neighbour:``."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field

from anycastlab.topology.forms import Strict
from anycastlab.topology.neighbour import Neighbour
from anycastlab.topology.units import Seconds


def _some_time(seconds: float) -> float:
    if not 0.001 <= seconds <= 3600:
        raise ValueError("expected a time from 1ms to 60min")
    return seconds


def _any_time(seconds: float) -> float:
    return _some_time(seconds) if seconds else seconds


_SomeTime = Annotated[Seconds, AfterValidator(_some_time)]
_AnyTime = Annotated[Seconds, AfterValidator(_any_time)]


class NeighbourSpec(Strict):
    """The timers of every LAN port's neighbour caches, of ARP and ND alike."""

    model_config = ConfigDict(populate_by_name=False)

    reachable: _SomeTime | None = Field(
        None, description="How long an answer is believed: half to one and a half of this (30s)."
    )
    delay: _AnyTime | None = Field(
        None, description="How long a stale entry is used before it is probed (5s)."
    )
    probes: Annotated[int, Field(ge=0, le=100)] | None = Field(
        None, description="How many unicast probes go unanswered before all are asked again (3)."
    )
    retrans: _SomeTime | None = Field(None, description="From one probe to the next (1s).")
    locktime: _AnyTime | None = Field(
        None, description="How long another answer does not replace the first, in ARP (1s)."
    )
    anycast_delay: _AnyTime | None = Field(
        None,
        alias="anycast-delay",
        description="The longest wait before an answer for a kernel's anycast address, in ND "
        "(0.8s; RFC 4861, section 7.2.7, has 1s).",
    )

    @property
    def resolved(self) -> Neighbour:
        """As the network has it."""
        return Neighbour(**self.model_dump())
