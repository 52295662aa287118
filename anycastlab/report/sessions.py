"""Sessions as text: a row for the sessions of each instance they began at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from anycastlab.probing.sessions import FATES, Fate, SessionResult, SessionsHeld

NOBODY = "nobody"
"""Whom a session began at that never came about."""

NONE = "-"
"""A column with nothing else in it is left out."""


def lines(held: SessionsHeld) -> Iterator[str]:
    """Yield a table, its columns aligned; fates that nobody met have no column."""
    met = [fate for fate in FATES if any(one.fate == fate for one in held.sessions)]
    began: dict[str, list[SessionResult]] = {}
    for one in held.sessions:
        began.setdefault(one.instance or NOBODY, []).append(one)
    headings = ["began at", "sessions", *met, "reset by", "bytes lost", "slowest answer"]
    rows = [headings, *([name, *_cells(began[name], met)] for name in sorted(began))]
    columns = [column for column in zip(*rows, strict=True) if set(column[1:]) != {NONE}]
    widths = [max(map(len, column)) for column in columns]
    for row in zip(*columns, strict=True):
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _cells(sessions: Sequence[SessionResult], met: Sequence[Fate]) -> Iterator[str]:
    counts = Counter(one.fate for one in sessions)
    senders = Counter(member for one in sessions for member in one.reset_by)
    yield str(len(sessions))
    yield from (f"{counts[fate]} ({counts[fate] / len(sessions):.0%})" for fate in met)
    yield ", ".join(f"{member} {count}" for member, count in sorted(senders.items())) or NONE
    yield str(sum(one.bytes_lost for one in sessions) or NONE)
    answered = [one.slowest for one in sessions if one.lines]
    yield f"{max(answered) * 1e3:.1f} ms" if answered else NONE
