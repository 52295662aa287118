"""The step ``expect``: who receives and answers what some clients send to one group."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field, StrictBool, model_validator

from anycastlab.experiments.amount import AmountField
from anycastlab.experiments.fields import (
    ALL,
    PREDICTED,
    ClientsField,
    Duration,
    NamesField,
    Probing,
    WantedField,
)
from anycastlab.experiments.judging import (
    Judge,
    answered,
    delivered,
    not_received,
    received,
    received_once,
)
from anycastlab.experiments.names import Complain, Names
from anycastlab.experiments.rounds import Round
from anycastlab.experiments.step import Context, Step
from anycastlab.experiments.verdict import Outcome

LINGER = 0.05
"""Seconds in which a copy may still arrive when none should."""


class Expect(Probing, Step):
    """Probes from one client, a list of them or all must show what is expected.

    ``instance``: only these receive them, and one of these answers; with ``answered: false`` nobody
    does. ``never``: these do not receive them. ``exactly-one``: one copy arrives, at one member.
    ``within`` tries again until a deadline; ``for`` demands it of every round of a span; ``share``
    demands it of some of the probes only.
    """

    verb: ClassVar[str] = "expect"

    origin: ClientsField = Field(alias="from")
    to: str
    instance: WantedField | None = None
    answered: StrictBool | None = Field(
        default=None, description="Whether somebody answers; false: they are only received."
    )
    never: NamesField | None = None
    exactly_one: StrictBool = Field(default=False, alias="exactly-one")
    share: AmountField | None = Field(
        default=None, description="How many of the probes must be so, as 40% or at least 3."
    )
    span: Duration | None = Field(default=None, alias="for")

    @model_validator(mode="after")
    def makes_sense(self) -> Self:
        """Refuse an expectation that says nothing, or says two things about time."""
        nothing = (None, None, None, False)
        if (self.instance, self.answered, self.never, self.exactly_one) == nothing:
            raise ValueError("expects nothing: give instance, answered, never or exactly-one")
        if self.instance == () and self.answered:
            raise ValueError("what nobody receives nobody answers: leave instance or answered out")
        if self.within is not None and self.span is not None:
            raise ValueError("within and for exclude each other: use two steps")
        if self.within is not None and self.never is not None:
            raise ValueError("never holds for a time: use for, not within")
        return self

    def check(self, names: Names, complain: Complain) -> None:
        """Clients, group and instances must exist, and the instances be members."""
        for place, client in enumerate(() if self.origin == ALL else self.origin):
            names.want_client(client, ("from", place), complain)
        if not names.want_group(self.to, ("to",), complain):
            return
        instances = () if self.instance in (None, PREDICTED) else self.instance
        for key, members in (("instance", instances), ("never", self.never)):
            for place, member in enumerate(members or ()):
                names.want_member(member, (self.to,), (key, place), complain)

    @property
    def judges(self) -> list[Judge]:
        """One for each thing expected."""
        judges = []
        if self.instance is not None:
            judges.append((received if self.answered is False else delivered)(self.instance))
        if self.answered is not None:
            judges.append(answered(self.answered))
        if self.never is not None:
            judges.append(not_received(self.never))
        if self.exactly_one:
            judges.append(received_once)
        return judges

    def run(self, context: Context) -> Outcome:
        """Probe, and judge."""
        origin = context.senders(None if self.origin == ALL else tuple(self.origin))
        probes = Round(
            context.prober,
            origin,
            (self.to,),
            self.families,
            self.protocols,
            self.judges,
            0.0 if self.never is None and not self.exactly_one else LINGER,
            self.share,
        )
        if self.within is not None:
            return probes.within(self.within)
        return probes.once() if self.span is None else probes.throughout(self.span)
