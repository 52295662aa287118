"""Flows as strips of time: a row for each instance, a column for each short span."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from anycastlab.probing.stream_record import Trace
from anycastlab.probing.timeline import FlowTimeline, Timeline

_INDENT = "  "
_BEFORE = 0.3
"""Which part of the strip lies before the first fault."""
_INTERVALS = 40
"""How many packets of a flow a strip spans at the least."""


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time (ns) cut into columns."""

    begin: int
    end: int
    columns: int

    def column(self, stamp: int) -> int | None:
        """The column of a moment, None when it is outside."""
        if not self.begin <= stamp < self.end:
            return None
        return (stamp - self.begin) * self.columns // (self.end - self.begin)

    def row(self, stamps: Iterable[int], length: int, mark: str) -> str:
        """Mark the columns of spans that begin at these moments and last *length*."""
        hit = bytearray(self.columns)
        for stamp in stamps:
            first, end = self.column(stamp), self.column(stamp + length)
            if first is not None:
                end = self.columns if end is None else max(first + 1, end)
                hit[first:end] = b"\1" * (end - first)
        return "".join(mark if column else " " for column in hit).rstrip()


def strips(found: Timeline, flows: Sequence[int], width: int) -> Iterator[str]:
    """Draw the flows of these numbers, all on one scale, with the axis below.

    A packet begins where it was received, a lost one where it was sent; it is as long as the
    interval between two.
    """
    label = max((len(run.instance) for at in flows for run in found.flows[at].runs), default=0)
    indent = _INDENT + " " * max(label, len("lost")) + _INDENT
    window = _window(found, [found.flows[at] for at in flows], max(20, width - len(indent)))
    for at in flows:
        flow, trace = found.flows[at], found.recorded.traces[at]
        yield f"{flow.flow.client} → {flow.flow.target.address}"
        for name, row in _rows(flow, trace, window, int(found.recorded.pace.interval * 1e9)):
            if row:
                yield f"{_INDENT}{name}".ljust(len(indent)) + row
    yield indent + _axis(found, window)


def _rows(
    flow: FlowTimeline, trace: Trace, window: Window, interval: int
) -> Iterator[tuple[str, str]]:
    for instance in dict.fromkeys(run.instance for run in flow.runs):
        stamps = (one.stamp for one in trace.arrivals if one.instance == instance)
        yield instance, window.row(stamps, interval, "█")
    received = {arrival.number for arrival in trace.arrivals}
    lost = (stamp for number, stamp in enumerate(trace.sent) if number not in received)
    yield "lost", window.row(lost, interval, "░")


def _window(found: Timeline, flows: Iterable[FlowTimeline], columns: int) -> Window:
    """Show each fault and what followed it, and not much more."""
    struck, zero = found.recorded.struck, found.zero
    reach = max((fault.began - zero for fault in struck), default=0)
    for flow in flows:
        reach = max(reach, (flow.first_new or zero) - zero, flow.gap or 0)
    interval = int(found.recorded.pace.interval * 1e9)
    span = max(int(reach * 1.5 / (1 - _BEFORE)), _INTERVALS * interval)
    begin = zero - int(span * _BEFORE)
    return Window(begin, begin + span, columns)


def _axis(found: Timeline, window: Window) -> str:
    """Write the ends of the window, and an arrow where each fault struck."""
    left, right = (f"{(edge - found.zero) / 1e6:+.2f} ms" for edge in (window.begin, window.end))
    free = window.columns - len(right)
    text = left
    for fault in found.recorded.struck:
        place = window.column(fault.began)
        if place is not None and len(text) < place:
            label = f"↑ {fault.text}"
            text = f"{text:<{place}}{label if place + len(label) < free else label[0]}"
    return f"{text[:free]:<{free}}{right}"
