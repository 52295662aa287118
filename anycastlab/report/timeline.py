"""A stream under faults as text: what struck, how each flow fared, and strips of time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from anycastlab.probing.stream_record import Change
from anycastlab.probing.timeline import FlowTimeline, Timeline
from anycastlab.report.timeline_strip import strips

LATE = 500_000
"""From how many ns on a packet counts as sent late."""

DRAWN = 6
"""How many flows are drawn: those first that changed or lost packets."""

TOLD = 12
"""How many changes of links and routes are spelled out."""

_ODD = ("duplicated", "reordered", "bounced", "misdelivered")


def lines(found: Timeline, width: int) -> Iterator[str]:
    """Yield the report; what is drawn is *width* columns wide."""
    yield from _struck(found)
    yield ""
    yield from _table([_headings(found), *(_row(found, flow) for flow in found.flows)])
    yield ""
    yield from _notes(found)
    order = sorted(range(len(found.flows)), key=lambda at: _dull(found.flows[at]))
    yield ""
    yield from strips(found, sorted(order[:DRAWN]), width)
    if len(order) > DRAWN:
        yield f"({len(order) - DRAWN} flows are not drawn)"


def when(found: Timeline, stamp: int | None) -> str:
    """Write a moment, counted from the first fault."""
    return "-" if stamp is None else f"{(stamp - found.zero) / 1e6:+.2f} ms"


def lasted(nanoseconds: int | None) -> str:
    """Write a span; None never ended."""
    return "no end" if nanoseconds is None else f"{nanoseconds / 1e6:.2f} ms"


def change(flow: FlowTimeline) -> str:
    """Say where the flow was and where it is: ``s1 → s2``."""
    old, new = flow.old or "nobody", flow.new or "nobody"
    return f"{old} → {new}" if old != new else f"{old} stays"


def _name(flow: FlowTimeline) -> str:
    return f"{flow.flow.client} → {flow.flow.target.group} IPv{flow.flow.family}"


def _dull(flow: FlowTimeline) -> bool:
    return flow.old == flow.new and not flow.lost


def _struck(found: Timeline) -> Iterator[str]:
    pace, sent = found.recorded.pace, sum(flow.sent for flow in found.flows)
    flows = f"{len(found.flows)} flow{'s' * (len(found.flows) != 1)}"
    kind = found.recorded.protocol.upper()
    yield f"{sent} {kind} packets in {flows}, one every {pace.interval * 1e3:g} ms in each"
    yield from _told(found)


def _told(found: Timeline) -> Iterator[str]:
    """Tell what struck, who noticed, and who changed which route, in order of time."""
    told = [(fault.began, fault.text) for fault in found.recorded.struck]
    told += [(one.stamp, described(one)) for one in found.recorded.changes[:TOLD]]
    moments = [(when(found, stamp), text) for stamp, text in sorted(told)]
    wide = max((len(moment) for moment, _ in moments), default=0)
    for moment, text in moments:
        yield f"{moment:>{wide}}  {text}"
    if more := found.recorded.changes[TOLD:]:
        nodes = len({one.node for one in more})
        yield f"{when(found, more[-1].stamp):>{wide}}  {len(more)} changes more, in {nodes} nodes"


def described(change: Change) -> str:
    """Say what a node's kernel did."""
    if change.what in ("link lost", "link back"):
        return f"{change.node}: link to {change.about} {change.what.removeprefix('link ')}"
    by = f" by {' and '.join(change.via)}" if change.via else ""
    return f"{change.node}: {change.what} {change.about}{by}"


def _headings(found: Timeline) -> list[str]:
    return ["flow", "instance", "last old", "first new", "gap", "lost", *_seen(found)]


def _seen(found: Timeline) -> list[str]:
    """The oddities that happened."""
    return [odd for odd in _ODD if any(getattr(flow, odd) for flow in found.flows)]


def _row(found: Timeline, flow: FlowTimeline) -> list[str]:
    gap = "none" if flow.gap == 0 else lasted(flow.gap)
    moments = [when(found, flow.last_old), when(found, flow.first_new)]
    odd = [str(getattr(flow, one)) for one in _seen(found)]
    return [_name(flow), change(flow), *moments, gap, str(flow.lost), *odd]


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        left = [cell.ljust(wide) for cell, wide in zip(row[:2], widths[:2], strict=True)]
        right = [cell.rjust(wide) for cell, wide in zip(row[2:], widths[2:], strict=True)]
        yield "  ".join((*left, *right)).rstrip()


def _notes(found: Timeline) -> Iterator[str]:
    never = [odd for odd in _ODD if odd not in _seen(found)]
    if never:
        *most, last = never
        yield f"no packet was {' or '.join([', '.join(most), last] if most else [last])}"
    late = [late for late in found.recorded.late if late > LATE]
    if late:
        part, worst = f"{len(late)} of {len(found.recorded.late)}", max(late) / 1e6
        yield f"{part} packets left more than 0.5 ms late, at worst {worst:.1f} ms"
    for flow in found.flows:
        for note in _notes_on(flow):
            yield f"{_name(flow)}: {note}"
    if found.recorded.interrupted:
        yield "interrupted: this is what there is so far"


def _notes_on(flow: FlowTimeline) -> Iterator[str]:
    if flow.refused:
        yield f"{_packets(flow.refused)} could not leave {flow.flow.client}"
    if flow.unseen:
        yield f"{_packets(flow.unseen)} known by the answer alone, which no tap saw arrive"
    if flow.unanswered:
        yield f"{_packets(flow.unanswered)} received, but not answered"
    if not flow.ok:
        yield f"not as predicted, which is {' or '.join(flow.predicted) or 'nobody'}"


def _packets(count: int) -> str:
    return f"{count} packet{'s' * (count != 1)}"
