"""Join what was sent, received and answered: the slot in a packet's id tells flow and number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from anycastlab.probing.stream_record import Arrival, Flow, Trace
from anycastlab.probing.taps import Event

Answers = Mapping[int, tuple[int, str | None]]
"""For each id that was answered: when (ns, real time), and by whom if that is known."""


def join(
    flows: Sequence[Flow],
    first: int,
    sent: Sequence[int],
    received: Mapping[str, Iterable[Event]],
    answers: Answers,
) -> tuple[Trace, ...]:
    """Make a trace of each flow.

    Slot n, whose packet has the id ``first + n``, belongs to flow n modulo their number. An answer
    proves an arrival that no tap recorded, if it tells whose it is.
    """
    count, slots = len(flows), range(first, first + len(sent))
    arrivals: list[list[Arrival]] = [[] for _ in flows]
    answered: list[dict[int, int]] = [{} for _ in flows]
    seen: set[int] = set()
    for member, events in received.items():
        for probe, stamp in events:
            if probe in slots:
                slot = probe - first
                arrivals[slot % count].append(Arrival(stamp, slot // count, member))
                seen.add(slot)
    for probe, (stamp, name) in answers.items():
        if probe in slots:
            slot = probe - first
            answered[slot % count][slot // count] = stamp
            if name is not None and slot not in seen:
                arrivals[slot % count].append(Arrival(stamp, slot // count, name, seen=False))
    return tuple(
        Trace(
            flow,
            sent[number::count],
            sorted(arrivals[number], key=lambda arrival: arrival.stamp),
            answered[number],
        )
        for number, flow in enumerate(flows)
    )
