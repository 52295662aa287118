"""Streams on paper: recordings made by hand, in ms around the first fault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_address

from anycastlab.probing.plan import Target
from anycastlab.probing.stream_record import (
    Arrival,
    Change,
    Flow,
    Pace,
    Predicted,
    Recorded,
    Struck,
    Trace,
)
from anycastlab.probing.timeline import FlowTimeline, Timeline, timeline

ZERO = 1_700_000_000_000_000_000
FLOW = Flow("c1", 4, Target.of("A", ip_address("192.0.2.1")))
LATENCY = 0.1


def at(ms: float) -> int:
    """A moment, counted from the first fault."""
    return ZERO + round(ms * 1e6)


def predicted(*instances: str) -> Predicted:
    """What is predicted for the flow."""
    return {("c1", "A"): instances}


def trace(
    received: Sequence[str], first: float = -2.0, answered: Mapping[int, int] | None = None
) -> Trace:
    """Make a flow of one packet a ms; for each its receivers (``s1 s2``), or ``refused``."""
    sent = [at(first + number) for number in range(len(received))]
    sent = [-one if who == "refused" else one for one, who in zip(sent, received, strict=True)]
    arrivals = [
        Arrival(abs(sent[number]) + round(LATENCY * 1e6), number, instance)
        for number, who in enumerate(received)
        for instance in who.split()
        if who != "refused"
    ]
    if answered is None:
        answered = {one.number: one.stamp + 100_000 for one in arrivals}
    return Trace(FLOW, sent, arrivals, answered)


def struck(before: float, after: float, *instances: str, text: str = "kill s1") -> Struck:
    """Make a fault that struck between two moments, after which *instances* are predicted."""
    return Struck(text, at(before), at(after), predicted(*instances))


def recorded(
    *traces: Trace,
    faults: Sequence[Struck] = (struck(0, 0.5, "s2"),),
    before: Sequence[str] = ("s1",),
    changes: Sequence[Change] = (),
    late: Sequence[int] = (0,),
    interrupted: bool = False,
) -> Recorded:
    """Make a recording."""
    return Recorded(
        Pace(),
        "icmp",
        traces,
        predicted(*before),
        tuple(faults),
        tuple(changes),
        late,
        interrupted,
    )


def judged(*traces: Trace, **others: object) -> Timeline:
    """Work out what a recording shows."""
    return timeline(recorded(*traces, **others))  # type: ignore[arg-type]


def flow(received: Sequence[str], **others: object) -> FlowTimeline:
    """Work out what one flow shows."""
    (found,) = judged(trace(received), **others).flows
    return found
