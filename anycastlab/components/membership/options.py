"""What a topology may say of the membership agents."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from anycastlab.components.base import Options
from anycastlab.topology.forms import Strict
from anycastlab.topology.routing_models import SomeSeconds, Timers

MOST_DELAY = 25.5
"""Seconds: a query of IGMPv2 says its delay in a byte of tenths."""


class MembershipTimers(Timers):
    """MLD (RFC 2710, section 7); IGMPv2 has the same. ``hold`` is the lab's own.

    ``query``: from one general query to the next. ``response``: in which hosts answer it. ``last``:
    in which they answer one for an address that somebody has left. ``unsolicited``: in which a host
    repeats its first report. ``robustness``: how often what may get lost is sent. ``hold``: how
    long a member that has left is not announced again.
    """

    fast: ClassVar = {"query": 0.5, "response": 0.1, "last": 0.1, "unsolicited": 0.1, "hold": 0.3}
    ordered: ClassVar = ("response", "query")

    query: SomeSeconds = 125.0
    response: Annotated[SomeSeconds, Field(le=MOST_DELAY)] = 10.0
    last: Annotated[SomeSeconds, Field(le=MOST_DELAY)] = 1.0
    unsolicited: SomeSeconds = 10.0
    hold: SomeSeconds = 10.0
    robustness: Annotated[int, Field(ge=1, le=7)] = 2

    @property
    def listener(self) -> float:
        """After which a member that says nothing is none any more (RFC 2710, section 7.4)."""
        return self.robustness * self.query + self.response

    @property
    def startup(self) -> float:
        """Between the first queries (section 7.6)."""
        return self.query / 4

    @property
    def other_querier(self) -> float:
        """After which another querier that says nothing is gone (section 7.5)."""
        return self.robustness * self.query + self.response / 2

    @property
    def leaving(self) -> float:
        """In which a member has to speak up that somebody said has left (section 7.9)."""
        return self.robustness * self.last


def _fast() -> MembershipTimers:
    return MembershipTimers.model_validate("fast")


class HostOptions(Options):
    """Options of ``membership-host``."""

    timers: MembershipTimers = Field(
        default_factory=_fast, description="fast, default (the protocol's own), or single ones."
    )
    join: bool = Field(True, description="Join at the start; else when it is announced.")


class Pair(Strict):
    """Who may join which group."""

    source: str = Field(description="The member that may join.")
    group: str = Field(description="The group it may join.")


class RouterOptions(Options):
    """Options of ``membership-router``."""

    timers: MembershipTimers = Field(
        default_factory=_fast, description="fast, default (the protocol's own), or single ones."
    )
    permit: Literal["members"] | list[Pair] = Field(
        "members", description="The access list: [{source: s1, group: A}]; else every member."
    )
    table: int = Field(1000, ge=1, le=100_000, description="The most memberships it holds.")
    rate: int = Field(100, ge=1, le=100_000, description="Messages a second taken of one sender.")
