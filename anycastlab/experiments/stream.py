"""The step ``stream``: packets at a constant rate while faults strike, each one accounted for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from anycastlab.experiments.amount import LimitField
from anycastlab.experiments.during import During, check_during, strikes
from anycastlab.experiments.fields import (
    ALL,
    FAMILIES,
    PREDICTED,
    ClientsField,
    Duration,
    FamilyField,
    GraceField,
    NamesField,
    WantedField,
)
from anycastlab.experiments.judging import any_of
from anycastlab.experiments.names import Complain, Names
from anycastlab.experiments.step import Context, Step
from anycastlab.experiments.verdict import Outcome
from anycastlab.probing.stream_record import Pace, StreamProtocol
from anycastlab.probing.timeline import FlowTimeline, Timeline

_USUAL = Pace()
_COUNTED = (
    *("lost", "refused", "unanswered"),
    *("duplicated", "reordered", "bounced", "misdelivered"),
)


class Limits(BaseModel):
    """What may become of each flow: counts and times are the most that is allowed.

    A count may be written ``at least 5`` too, or as a share of what was sent.
    ``gap``: how long nobody received it. ``ends-at``: who receives it at the end. ``never``: who
    receives none of it; ``never-after``: who receives none once all faults are done, or from so
    many seconds after that on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    lost: LimitField | None = None
    refused: LimitField | None = None
    unanswered: LimitField | None = None
    duplicated: LimitField | None = None
    reordered: LimitField | None = None
    bounced: LimitField | None = None
    misdelivered: LimitField | None = None
    gap: Duration | None = None
    ends_at: WantedField = Field(default=PREDICTED, alias="ends-at")
    never: NamesField | None = None
    never_after: GraceField | None = Field(default=None, alias="never-after")

    def judge(self, flow: FlowTimeline, done: int | None) -> Iterator[str]:
        """Say what differs; *done* is when the last fault was (ns, real time)."""
        for kind in _COUNTED:
            wanted, found = getattr(self, kind), getattr(flow, kind)
            if wanted is not None and not wanted.met(found, flow.sent):
                yield f"expected {wanted} {kind}, found {found}"
        if self.gap is not None and (flow.gap is None or flow.gap > self.gap * 1e9):
            found = "that has no end" if flow.gap is None else f"of {flow.gap / 1e6:.2f} ms"
            yield f"expected a gap of at most {self.gap * 1e3:g} ms, found one {found}"
        ends = flow.predicted if self.ends_at == PREDICTED else tuple(self.ends_at)
        if flow.new not in (ends or (None,)):
            yield f"expected to end at {any_of(ends)}, ended at {flow.new or 'nobody'}"
        for run in flow.runs:
            if run.instance in (self.never or ()):
                yield f"expected never {run.instance}, which received {run.packets}"
        for member, grace in (self.never_after or {}).items():
            late = max((run.last for run in flow.runs if run.instance == member), default=0)
            if done is not None and late > done + grace * 1e9:
                since = f" from {grace * 1e3:g} ms on" if grace else ""
                after = f"{(late - done) / 1e6:.2f} ms"
                yield f"expected no packet to {member} afterwards{since}, found one after {after}"


class Stream(BaseModel, Step):
    """Packets at a constant rate, from each client in each family, while faults strike.

    They flow for ``before``, then the faults of ``during`` strike, ``apart`` from each other, and
    they flow on for ``after``. Without ``expect`` each flow must end where it is predicted to.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    verb: ClassVar[str] = "stream"

    origin: ClientsField = Field(alias="from")
    to: str
    family: FamilyField | None = None
    protocol: StreamProtocol = "icmp"
    interval: Duration | None = None
    before: Duration = _USUAL.before
    after: Duration = _USUAL.after
    apart: Duration | None = None
    during: During = ()
    expect: Limits = Field(default_factory=Limits)

    def check(self, names: Names, complain: Complain) -> None:
        """Clients, group, instances and what the faults name must exist."""
        for place, client in enumerate(() if self.origin == ALL else self.origin):
            names.want_client(client, ("from", place), complain)
        check_during(self.during, names, complain)
        if not names.want_group(self.to, ("to",), complain):
            return
        limits = self.expect
        ends = () if limits.ends_at == PREDICTED else limits.ends_at
        keys = {"ends-at": ends, "never": limits.never, "never-after": limits.never_after}
        for key, members in keys.items():
            for place, member in enumerate(members or ()):
                names.want_member(member, (self.to,), ("expect", key, place), complain)

    def run(self, context: Context) -> Outcome:
        """Send, let the faults strike, and judge each flow; after Ctrl-C say what there is."""
        from anycastlab.probing.stream import Stream as Sending
        from anycastlab.probing.stream import usual_interval
        from anycastlab.probing.stream_flows import flows
        from anycastlab.probing.timeline import timeline

        lab, families = context.lab, FAMILIES if self.family is None else (self.family,)
        clients = context.senders(None if self.origin == ALL else tuple(self.origin))
        sent = flows(lab.network, clients, self.to, families)
        interval = self.interval or usual_interval(len(sent))
        pace = Pace(interval, self.before, self.after, self.apart or 0.0)
        recorded = Sending(lab, sent, pace, self.protocol).run(strikes(self.during, lab))
        found = timeline(recorded)
        if recorded.interrupted:
            cut_short = ("interrupted: what was seen is all there is",)
            return Outcome(summary(found), cut_short, stream=found, interrupted=True)
        return self.judged(found)

    def judged(self, found: Timeline) -> Outcome:
        """Judge what a stream showed."""
        struck = found.recorded.struck
        done = struck[-1].ended if struck else None
        differences = tuple(
            f"{flow.flow.client} → {self.to}, IPv{flow.flow.family}: {difference}"
            for flow in found.flows
            for difference in self.expect.judge(flow, done)
        )
        return Outcome(summary(found), differences, stream=found)


def summary(found: Timeline) -> str:
    """Say in one line where the flows went, and what it cost at the most."""
    moves = Counter(f"{flow.old or 'nobody'} → {flow.new or 'nobody'}" for flow in found.flows)
    gaps = [flow.gap for flow in found.flows if flow.gap is not None]
    worst = max(found.flows, key=lambda flow: flow.lost)
    endless = len(found.flows) - len(gaps)
    parts = [
        ", ".join(f"{move} ({count})" for move, count in moves.most_common()),
        f"lost at most {worst.lost} of {worst.sent}",
        f"gap at most {max(gaps, default=0) / 1e6:.2f} ms",
        *([f"{endless} without end"] if endless else []),
    ]
    return "; ".join(parts)
