"""The step ``sessions``: paced TCP sessions while faults strike, and what must become of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from anycastlab.experiments.amount import AmountField
from anycastlab.experiments.during import During, check_during, strikes
from anycastlab.experiments.fields import (
    ALL,
    FAMILIES,
    ClientsField,
    Duration,
    FamilyField,
    NamesField,
)
from anycastlab.experiments.names import Complain, Names
from anycastlab.experiments.step import Context, Step
from anycastlab.experiments.verdict import Outcome
from anycastlab.probing.sessions import (
    DEFAULTS,
    FATES,
    SessionPlan,
    SessionResult,
    hold_sessions,
)
from anycastlab.probing.sessions_way import By
from anycastlab.probing.stream_flows import flows
from anycastlab.topology.network import Family

MOST = 4000
"""Sessions: the identity service holds no more."""

UNSEEN = "nobody seen"
"""Who reset a session when no tap recorded it."""


class Fates(BaseModel):
    """How many of some sessions must meet each fate, and who alone may reset them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    survived: AmountField | None = None
    reset: AmountField | None = None
    closed: AmountField | None = None
    hung: AmountField | None = None
    refused: AmountField | None = None
    reset_by: NamesField | None = Field(default=None, alias="reset-by")

    @property
    def says_nothing(self) -> bool:
        """Whether nothing is expected."""
        return self.reset_by is None and all(getattr(self, fate) is None for fate in FATES)

    def check_senders(self, group: str, names: Names, complain: Complain) -> None:
        """Complain of who is no member of the group."""
        for place, member in enumerate(self.reset_by or ()):
            names.want_member(member, (group,), ("reset-by", place), complain)

    def judge(self, sessions: Sequence[SessionResult], which: str) -> Iterator[str]:
        """Say what differs; *which* names the sessions. Of no session, nothing can be shown."""
        if self.says_nothing:
            return
        if not sessions:
            yield f"{which}: there is none"
            return
        counts = Counter(one.fate for one in sessions)
        for fate in FATES:
            wanted, found = getattr(self, fate), counts[fate]
            if wanted is not None and not wanted.met(found, len(sessions)):
                share = f"{found} of {len(sessions)} ({found / len(sessions):.0%})"
                others = [f"{counts[one]} {one}" for one in FATES if one != fate and counts[one]]
                told = ", ".join([share, *others])
                yield f"{which}: expected {wanted} {fate}, found {told}"
        yield from self._judge_senders(sessions, which)

    def _judge_senders(self, sessions: Sequence[SessionResult], which: str) -> Iterator[str]:
        if self.reset_by is None:
            return
        wanted = frozenset(self.reset_by)
        others = Counter(
            by_whom(one)
            for one in sessions
            if one.fate == "reset" and not (one.reset_by and wanted.issuperset(one.reset_by))
        )
        for sender, count in others.items():
            yield f"{which}: expected resets by {' or '.join(self.reset_by)}, {count} by {sender}"


class Part(Fates):
    """What must become of the sessions that began at one instance, or at one of several."""

    of: NamesField

    @model_validator(mode="after")
    def expects_something(self) -> Self:
        """Refuse a part that says nothing."""
        if self.says_nothing:
            raise ValueError(f"expects nothing: give {', '.join(FATES)} or reset-by")
        return self

    def check_of(self, group: str, names: Names, complain: Complain) -> None:
        """Complain of who is no member of the group."""
        for place, member in enumerate(self.of):
            names.want_member(member, (group,), ("of", place), complain)
        self.check_senders(group, names, complain)


class Sessions(Fates, Step):
    """TCP sessions, ``count`` in all, over the clients and families in turn.

    Each asks the instance for its name and then has a line echoed every ``pace``. When all of them
    do, the faults of ``during`` strike, ``apart`` from each other, and the sessions go on for
    ``after``. ``by`` is how they begin: at the service address, or resolved first by node
    information, to connect to the instance's own address or through it by a loose source route.
    What is expected holds for all of them, or by ``expect`` for those that began at some
    instances. ``opening`` is how long they may take to begin. ``only-to``: they begin at no
    other instances.
    """

    verb: ClassVar[str] = "sessions"

    origin: ClientsField = Field(alias="from")
    to: str
    count: Annotated[int, Field(ge=1, le=MOST)] = DEFAULTS.count
    pace: Duration = DEFAULTS.pace
    family: FamilyField | None = None
    during: During = ()
    apart: Duration = DEFAULTS.apart
    after: Duration = DEFAULTS.after
    by: By = DEFAULTS.by
    opening: Duration = DEFAULTS.opening
    only_to: NamesField | None = Field(default=None, alias="only-to")
    parts: tuple[Part, ...] = Field(default=(), alias="expect")

    @model_validator(mode="after")
    def expects_something(self) -> Self:
        """Refuse an expectation that says nothing."""
        if self.says_nothing and not self.parts and self.only_to is None:
            told = ", ".join(FATES)
            raise ValueError(f"expects nothing: give {told}, reset-by, only-to or expect")
        return self

    @property
    def families(self) -> tuple[Family, ...]:
        """The one given, or both."""
        return FAMILIES if self.family is None else (self.family,)

    def check(self, names: Names, complain: Complain) -> None:
        """Clients, group, instances and the faults must exist."""
        for place, client in enumerate(() if self.origin == ALL else self.origin):
            names.want_client(client, ("from", place), complain)
        check_during(self.during, names, complain)
        if not names.want_group(self.to, ("to",), complain):
            return
        for place, member in enumerate(self.only_to or ()):
            names.want_member(member, (self.to,), ("only-to", place), complain)
        self.check_senders(self.to, names, complain)
        for number, part in enumerate(self.parts):
            part.check_of(self.to, names, within(("expect", number), complain))

    def run(self, context: Context) -> Outcome:
        """Hold the sessions, and judge."""
        lab = context.lab
        clients = context.senders(None if self.origin == ALL else tuple(self.origin))
        plan = SessionPlan(self.count, self.pace, self.apart, self.after, self.opening, by=self.by)
        sent = flows(lab.network, clients, self.to, self.families)
        held = hold_sessions(lab, sent, plan, strikes(self.during, lab))
        found = tuple(self.differences(held.sessions))
        return Outcome(summary(held.sessions), found, sessions=held)

    def differences(self, sessions: Sequence[SessionResult]) -> Iterator[str]:
        """Say what differs: of all, in where they began, in each part."""
        yield from self.judge(sessions, "all sessions")
        if self.only_to is not None:
            yield from _strangers(sessions, self.only_to)
        for part in self.parts:
            began = [one for one in sessions if one.instance in part.of]
            yield from part.judge(began, f"sessions that began at {' or '.join(part.of)}")


def within(outer: tuple[str | int, ...], complain: Complain) -> Complain:
    """Complain of places inside *outer*."""
    return lambda inner, message: complain((*outer, *inner), message)


def by_whom(session: SessionResult) -> str:
    """Name the members that reset a session."""
    return " and ".join(session.reset_by) or UNSEEN


def _strangers(sessions: Sequence[SessionResult], wanted: Sequence[str]) -> Iterator[str]:
    others = Counter(one.instance or "nobody" for one in sessions if one.instance not in wanted)
    for instance, count in others.items():
        yield f"expected sessions only to {' or '.join(wanted)}, {count} began at {instance}"


def summary(sessions: Sequence[SessionResult]) -> str:
    """Say what became of them, in one line: ``50 sessions: 25 survived, 25 reset (s2 25)``."""
    counts = Counter(one.fate for one in sessions)
    senders = Counter(by_whom(one) for one in sessions if one.fate == "reset")
    by = ", ".join(f"{sender} {count}" for sender, count in senders.most_common())
    told = [
        f"{counts[fate]} {fate}" + (f" (by {by})" if fate == "reset" else "")
        for fate in FATES
        if counts[fate]
    ]
    return f"{len(sessions)} session{'s' * (len(sessions) != 1)}: {', '.join(told)}"
