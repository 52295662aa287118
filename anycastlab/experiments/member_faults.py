"""Faults of a group's members: ``withdraw``, ``announce`` and ``drain``.

The node lives and keeps the service addresses; what changes is whether routes lead to it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from anycastlab.errors import UsageError
from anycastlab.experiments.fault import Fault
from anycastlab.experiments.fields import Duration
from anycastlab.experiments.link_faults import cost_now
from anycastlab.experiments.names import Complain, Names
from anycastlab.experiments.pacing import pause_until
from anycastlab.experiments.words import model_of
from anycastlab.kernel.connections import established
from anycastlab.topology.models import LARGEST_COST

if TYPE_CHECKING:
    from anycastlab.lab.handle import Lab

Order = Literal["withdraw-first", "stop-first"]
_LOOK_EVERY = 0.02


class MemberFault(BaseModel, Fault):
    """A fault of one member, in one group or in all; in the file just the node stands for all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    member: str = Field(description="The member's node.")
    group: str | None = Field(None, description="The group; if left out, all it is a member of.")

    @model_validator(mode="before")
    @classmethod
    def from_short(cls, value: object) -> object:
        """Read the name of a node."""
        return {"member": value} if isinstance(value, str) else value

    def check(self, names: Names, complain: Complain) -> None:
        """The group must exist, and the node be a member of it."""
        if self.group is None or names.want_group(self.group, ("group",), complain):
            groups = tuple(names.groups) if self.group is None else (self.group,)
            names.want_member(self.member, groups, ("member",), complain)
            names.want_leavable(self.member, groups, ("member",), complain)


class Withdraw(MemberFault):
    """No route leads to a member any more; with an order, its services stop before or after."""

    verb: ClassVar[str] = "withdraw"
    arguments: ClassVar[tuple[str, ...]] = ("MEMBER[,ORDER]",)

    order: Order | None = Field(None, description="Stop its services too: after, or before.")
    pause: Duration | None = Field(None, description="The time between the two, as 100ms.")

    @model_validator(mode="after")
    def pauses_between_two(self) -> Self:
        """Refuse a pause where only one thing happens."""
        if self.pause is not None and self.order is None:
            raise ValueError("pause stands between two things: give order")
        return self

    @classmethod
    def from_words(cls, words: Sequence[str]) -> Self:
        """Make it of ``s1`` or ``s1,stop-first``."""
        member, comma, order = words[0].partition(",")
        return model_of(cls, {"member": member, **({"order": order} if comma else {})})

    def strike(self, lab: Lab) -> None:
        """Withdraw the member."""
        if self.order == "stop-first":
            lab.stop_service(self.member)
            self._pause()
        lab.withdraw(self.member, self.group)
        if self.order == "withdraw-first":
            self._pause()
            lab.stop_service(self.member)

    def _pause(self) -> None:
        pause_until(time.monotonic() + (self.pause or 0.0))

    def repair(self, lab: Lab) -> Fault:
        """To announce it."""
        return Announce(member=self.member, group=self.group, start=self.order is not None)

    def done(self) -> str:
        """Say so."""
        return f"{self.member} has withdrawn{f' ({self.order})' if self.order else ''}"


class Announce(MemberFault):
    """Routes lead to a withdrawn member again; its services may be started first."""

    verb: ClassVar[str] = "announce"
    arguments: ClassVar[tuple[str, ...]] = ("MEMBER[,start]",)

    start: bool = Field(False, description="Start its services first.")

    @classmethod
    def from_words(cls, words: Sequence[str]) -> Self:
        """Make it of ``s1`` or ``s1,start``."""
        member, comma, start = words[0].partition(",")
        if comma and start != "start":
            raise UsageError(f"expected MEMBER or MEMBER,start; not {words[0]!r}")
        return cls(member=member, start=bool(comma))

    def strike(self, lab: Lab) -> None:
        """Announce the member."""
        if self.start:
            lab.start_service(self.member)
        lab.announce(self.member, self.group)

    def repair(self, lab: Lab) -> Fault:
        """To withdraw it."""
        order: Order | None = "withdraw-first" if self.start else None
        return Withdraw(member=self.member, group=self.group, order=order)

    def done(self) -> str:
        """Say so."""
        return f"{self.member} is announced"


class Drain(BaseModel, Fault):
    """A member is announced at the highest cost until its connections end, then withdrawn."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    verb: ClassVar[str] = "drain"
    arguments: ClassVar[tuple[str, ...]] = ("MEMBER", "WITHIN")

    member: str = Field(description="The member's node.")
    within: Duration = Field(description="How long to wait for its connections, as 5s.")

    @classmethod
    def from_words(cls, words: Sequence[str]) -> Self:
        """Make it of the member and a time."""
        member, within = words
        return model_of(cls, {"member": member, "within": within})

    def check(self, names: Names, complain: Complain) -> None:
        """The node must be a member, and be joined to a link whose cost can be raised."""
        names.want_member(self.member, tuple(names.groups), ("member",), complain)
        names.want_leavable(self.member, tuple(names.groups), ("member",), complain)

    def strike(self, lab: Lab) -> None:
        """Raise the costs towards the member, wait, withdraw it, set the costs back."""
        deadline = time.monotonic() + self.within
        costs = [(near, cost_now(lab, near, self.member)) for near in self._neighbours(lab)]
        for near, _ in costs:
            lab.set_cost(near, self.member, LARGEST_COST, cost_now(lab, self.member, near))
        addresses = [
            address
            for group in lab.network.groups.values()
            if self.member in group.instances
            for address in group.addresses
        ]
        while time.monotonic() < deadline:
            with lab.inside(self.member):
                if not established(addresses):
                    break
            pause_until(min(deadline, time.monotonic() + _LOOK_EVERY))
        lab.withdraw(self.member)
        for near, cost in costs:
            lab.set_cost(near, self.member, cost, cost_now(lab, self.member, near))

    def _neighbours(self, lab: Lab) -> Iterator[str]:
        for link in lab.network.links:
            ends = {link.a.node, link.b.node}
            if self.member in ends:
                yield from ends - {self.member}

    def repair(self, lab: Lab) -> Fault:
        """To announce it."""
        return Announce(member=self.member)

    def done(self) -> str:
        """Say so."""
        return f"{self.member} is drained and has withdrawn"
