"""A stream under faults as a picture: a lane for each instance of each flow, time to the right."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

from anycastlab.errors import ProgramError, UsageError
from anycastlab.probing.stream_record import Trace
from anycastlab.probing.timeline import FlowTimeline, Timeline

KINDS = ("svg", "png", "pdf")
FLOWS = 24
"""How many flows are drawn, in file order: more would be too small to see."""

_LANE, _MARGIN, _WIDTH = 0.3, 1.2, 10.0  # inches
_FAULT, _ROUTE, _LOST = "#444444", "#bbbbbb", "#d62728"


def kind_of(file: str) -> str:
    """The kind of picture by a file's ending. Raises UsageError for another."""
    ending = Path(file).suffix.lower().lstrip(".")
    if ending not in KINDS:
        raise UsageError(f"cannot draw {file!r}: give a name that ends in {', '.join(KINDS)}")
    return ending


def require() -> None:
    """Raise ProgramError when there is nothing to draw with."""
    _matplotlib("figure")


def draw(found: Timeline, file: str) -> None:
    """Write the picture. Raises ProgramError, UsageError when the file cannot be written."""
    pairs = list(zip(found.flows, found.recorded.traces, strict=True))[:FLOWS]
    lanes = [_lanes(flow) for flow, _ in pairs]
    height = _MARGIN + _LANE * sum(map(len, lanes)) + 0.35 * len(lanes)
    figure = _matplotlib("figure").Figure(figsize=(_WIDTH, height), layout="constrained")
    axes = figure.subplots(
        len(pairs), 1, sharex=True, squeeze=False, height_ratios=[max(1, len(one)) for one in lanes]
    )
    for axis, (flow, trace), names in zip(axes[:, 0], pairs, lanes, strict=True):
        _draw_flow(axis, found, flow, trace, names)
    _label(axes[:, 0], found)
    try:
        figure.savefig(file, format=kind_of(file), dpi=150)
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror}") from None


def _matplotlib(part: str) -> ModuleType:
    try:
        return importlib.import_module(f"matplotlib.{part}")
    except ModuleNotFoundError:
        raise ProgramError(
            "matplotlib is not installed, so no picture", "pip install 'anycastlab[plot]'"
        ) from None


def _lanes(flow: FlowTimeline) -> list[str]:
    """The lanes from below: what is lost, then the instances, the first one on top."""
    instances = list(dict.fromkeys(run.instance for run in flow.runs))
    return [*(["lost"] if flow.lost else []), *reversed(instances)]


def _draw_flow(
    axis: Any, found: Timeline, flow: FlowTimeline, trace: Trace, lanes: list[str]
) -> None:
    received = {arrival.number for arrival in trace.arrivals}
    begin, end = _span(found)
    for place, name in enumerate(lanes):
        if name == "lost":
            gone = [at for number, at in enumerate(trace.sent) if number not in received and at > 0]
            stamps, colour = gone, _LOST
        else:
            stamps = [one.stamp for one in trace.arrivals if one.instance == name]
            colour = f"C{_number(found, name) % 10}"
        moments = [(stamp - found.zero) / 1e6 for stamp in stamps]
        shown = [moment for moment in moments if begin <= moment <= end]
        axis.eventplot(shown, lineoffsets=place, linelengths=0.7, linewidths=0.8, colors=colour)
    for change in found.recorded.changes:
        axis.axvline((change.stamp - found.zero) / 1e6, color=_ROUTE, linewidth=0.6, zorder=0)
    for fault in found.recorded.struck:
        axis.axvline((fault.began - found.zero) / 1e6, color=_FAULT, linewidth=1.2, zorder=0)
    axis.set_yticks(range(len(lanes)), lanes)
    axis.set_ylim(-0.6, max(1, len(lanes)) - 0.4)
    axis.set_title(f"{flow.flow.client} → {flow.flow.target.address}", loc="left", fontsize=9)


def _number(found: Timeline, instance: str) -> int:
    """An instance has one colour in all flows."""
    everyone = dict.fromkeys(run.instance for flow in found.flows for run in flow.runs)
    return list(everyone).index(instance)


def _span(found: Timeline) -> tuple[float, float]:
    """The time that is shown, in ms from the first fault on: all faults and what they did."""
    gaps = [(flow.gap or 0) + max(0, (flow.first_new or 0) - found.zero) for flow in found.flows]
    last = max((fault.began - found.zero for fault in found.recorded.struck), default=0)
    interval = found.recorded.pace.interval * 1e9
    span = max(last * 1.3, 3 * max(gaps, default=0), 40 * interval) / 1e6
    return -0.4 * span, span


def _label(axes: Any, found: Timeline) -> None:
    """Name the faults above and the scale below."""
    axes[-1].set_xlim(*_span(found))
    axes[-1].set_xlabel("ms after the first fault" if found.recorded.struck else "ms")
    names = "; ".join(fault.text for fault in found.recorded.struck)
    axes[0].set_title(names, loc="right", fontsize=9, color=_FAULT)
