"""What a recorded stream shows: each flow's change of instance, the gap, every packet's fate.

Nothing here measures; it only counts what :mod:`anycastlab.probing.stream` has recorded. All times
are nanoseconds of the real-time clock, as the kernels stamped them.
"""

from __future__ import annotations

from bisect import bisect
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

from anycastlab.probing.stream_record import Arrival, Flow, Predicted, Recorded, Trace


@dataclass(frozen=True, slots=True)
class Run:
    """Packets that one instance received in a row: how many, when the first and last came."""

    instance: str
    first: int
    last: int
    packets: int


@dataclass(frozen=True, slots=True)
class FlowTimeline:
    """One flow under the faults.

    ``old`` is the instance that received it before the first fault, ``new`` the one at the end
    (None: nobody); ``last_old`` and ``first_new`` are their last packet and, after it, the first.
    ``gap`` is the longest time, from the first fault on, between two arrivals with a change of
    instance or a loss between them: 0 without any, None if it lasted to the end.

    ``lost`` packets were sent and received by nobody, ``refused`` ones never left the client;
    ``duplicated`` counts copies beyond the first, ``reordered`` packets that came after a later one
    (RFC 4737, section 3), ``bounced`` returns to an instance that had been left, ``misdelivered``
    packets at an instance that was predicted neither before nor after the fault.
    """

    flow: Flow
    predicted: tuple[str, ...]
    old: str | None
    new: str | None
    last_old: int | None
    first_new: int | None
    gap: int | None
    sent: int
    refused: int
    received: int
    lost: int
    answered: int
    duplicated: int
    reordered: int
    bounced: int
    misdelivered: int
    unseen: int
    runs: tuple[Run, ...]

    @property
    def unanswered(self) -> int:
        """How many packets were received and not answered."""
        return max(0, self.received - self.answered)

    @property
    def ok(self) -> bool:
        """Whether the flow ended where it is predicted to, and never was where it never should."""
        ends = self.new in self.predicted if self.predicted else self.new is None
        return ends and not self.misdelivered


@dataclass(frozen=True, slots=True)
class Timeline:
    """All flows. ``zero`` is when the first fault began, or the stream if there was none."""

    recorded: Recorded
    zero: int
    flows: tuple[FlowTimeline, ...]

    @property
    def ok(self) -> bool:
        """Whether each flow is."""
        return all(flow.ok for flow in self.flows)

    def as_json(self) -> dict[str, Any]:
        """The document of ``failover --json``."""
        from anycastlab.probing.timeline_json import document

        return document(self)


def timeline(recorded: Recorded) -> Timeline:
    """Work out what a stream shows."""
    starts = [abs(trace.sent[0]) for trace in recorded.traces if trace.sent]
    zero = recorded.struck[0].began if recorded.struck else min(starts, default=0)
    flows = tuple(_flow(trace, recorded, zero) for trace in recorded.traces)
    return Timeline(recorded, zero, flows)


def _flow(trace: Trace, recorded: Recorded, zero: int) -> FlowTimeline:
    received = {arrival.number for arrival in trace.arrivals}
    left = [number for number, stamp in enumerate(trace.sent) if stamp > 0]
    runs = tuple(_runs(trace.arrivals))
    missing = [number for number in left if number not in received]
    gap = _gap(trace, missing, zero)
    before = [arrival.instance for arrival in trace.arrivals if arrival.stamp < zero]
    old = before[-1] if before else None
    new = None if gap is None else trace.arrivals[-1].instance
    last_old, first_new = _change(runs, old, new)
    pair = (trace.flow.client, trace.flow.target.group)
    return FlowTimeline(
        flow=trace.flow,
        predicted=_latest(recorded)[pair],
        old=old,
        new=new,
        last_old=last_old,
        first_new=first_new,
        gap=gap,
        sent=len(left),
        refused=len(trace.sent) - len(left),
        received=len(received),
        lost=len(missing),
        answered=len(trace.answered),
        duplicated=len(trace.arrivals) - len(received),
        reordered=_reordered(trace.arrivals),
        bounced=_bounced(runs),
        misdelivered=_misdelivered(trace.arrivals, recorded, pair),
        unseen=sum(not arrival.seen for arrival in trace.arrivals),
        runs=runs,
    )


def _latest(recorded: Recorded) -> Predicted:
    return recorded.struck[-1].predicted if recorded.struck else recorded.predicted


def _runs(arrivals: Iterable[Arrival]) -> Iterable[Run]:
    for instance, group in groupby(arrivals, key=lambda arrival: arrival.instance):
        stamps = [arrival.stamp for arrival in group]
        yield Run(instance, stamps[0], stamps[-1], len(stamps))


def _gap(trace: Trace, missing: Sequence[int], zero: int) -> int | None:
    """The longest gap from *zero* on; *missing* are the numbers of lost packets, in order.

    At the end it takes two packets that were not received to tell a gap from the loss of one.
    """
    if not trace.arrivals:
        return None
    longest = 0
    for one, next_one in pairwise(trace.arrivals):
        span = next_one.stamp - one.stamp
        if next_one.stamp >= zero and span > longest:
            lost = bisect(missing, next_one.number) > bisect(missing, one.number)
            if lost or one.instance != next_one.instance:
                longest = span
    last = trace.arrivals[-1].stamp
    unheard = [abs(stamp) for stamp in trace.sent if abs(stamp) > last]
    return None if len(unheard) > 1 and unheard[-1] - last > longest else longest


def _change(runs: Sequence[Run], old: str | None, new: str | None) -> tuple[int | None, int | None]:
    """When the last packet came to the old instance, and after it the first to the new one."""
    if old is None or old == new:
        return None, None
    last = max(run.last for run in runs if run.instance == old)
    return last, next((run.first for run in runs if run.instance == new and run.first > last), None)


def _reordered(arrivals: Iterable[Arrival]) -> int:
    """Count singletons that come after one with a larger number; copies do not count."""
    expected, seen, late = 0, set[int](), 0
    for number in (arrival.number for arrival in arrivals):
        if number in seen:
            continue
        seen.add(number)
        late += number < expected
        expected = max(expected, number + 1)
    return late


def _bounced(runs: Iterable[Run]) -> int:
    times = Counter(run.instance for run in runs)
    return sum(count - 1 for count in times.values())


def _misdelivered(arrivals: Iterable[Arrival], recorded: Recorded, pair: tuple[str, str]) -> int:
    """Count arrivals where neither the prediction leads nor the one before the latest fault."""
    strikes = list(recorded.struck)
    allowed, count = set(recorded.predicted[pair]), 0
    present = allowed
    for arrival in arrivals:
        while strikes and arrival.stamp >= strikes[0].began:
            previous, present = present, set(strikes.pop(0).predicted[pair])
            allowed = previous | present
        count += arrival.instance not in allowed
    return count
