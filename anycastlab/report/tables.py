"""Observations as a table for people: one row for each way in which probes were delivered."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from anycastlab.probing.observation import Observation

if TYPE_CHECKING:
    from rich.table import Table

HEADINGS = ("", "client", "group", "probes", "predicted", "received by", "answered by", "rtt")


@dataclass(frozen=True, slots=True)
class Row:
    """Probes of one client to one group that fared alike; round-trip times are in seconds.

    ``source`` is where answers came from when that is not the address asked, else ''.
    """

    ok: bool
    client: str
    group: str
    probes: str
    predicted: tuple[str, ...]
    received_by: tuple[str, ...]
    answered_by: str | None
    rtts: tuple[float, ...]
    source: str = ""

    def cells(self) -> tuple[str, ...]:
        """The row's texts, one for each heading."""
        return (
            "✓" if self.ok else "✗",
            self.client,
            self.group,
            self.probes,
            ", ".join(self.predicted) or "none",
            ", ".join(self.received_by) or "none",
            (self.answered_by or "none") + (f" from {self.source}" if self.source else ""),
            milliseconds(self.rtts),
        )


def milliseconds(rtts: Sequence[float]) -> str:
    """Write a round-trip time, or the least and the greatest of several."""
    if not rtts:
        return "-"
    least, most = f"{min(rtts) * 1e3:.2f}", f"{max(rtts) * 1e3:.2f}"
    return f"{least} ms" if least == most else f"{least}..{most} ms"


def rows(observations: Iterable[Observation]) -> list[Row]:
    """Fold observations of the same client and group into one row where they fared alike."""
    alike: dict[tuple[object, ...], list[Observation]] = {}
    for one in observations:
        fate = (one.ok, one.predicted, one.received_by, one.answered_by, elsewhere(one))
        alike.setdefault((one.client, one.group, *fate), []).append(one)
    return [
        Row(
            first.ok,
            first.client,
            first.group,
            kinds(folded),
            first.predicted,
            first.received_by,
            first.answered_by,
            tuple(one.rtt for one in folded if one.rtt is not None),
            elsewhere(first),
        )
        for folded in alike.values()
        for first in folded[:1]
    ]


def elsewhere(one: Observation) -> str:
    """Return where a probe's answer came from if that is not where the probe went to."""
    return one.reply_from if one.reply_from and one.reply_from != one.address else ""


def kinds(observations: Iterable[Observation]) -> str:
    """Name the kinds of probe: ``IPv4 icmp tcp udp, IPv6 icmp``; families alike are joined."""
    by_family: dict[int, dict[str, None]] = {}
    for one in observations:
        by_family.setdefault(one.family, {})[one.protocol] = None
    families: dict[tuple[str, ...], list[str]] = {}
    for family, protocols in by_family.items():
        families.setdefault(tuple(protocols), []).append(f"v{family}")
    return ", ".join(
        f"{'+'.join(members)} {' '.join(protocols)}" for protocols, members in families.items()
    )


def table(observations: Iterable[Observation]) -> Table:
    """Make the table: predicted beside observed, what differs in red."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    made = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in HEADINGS:
        made.add_column(heading, overflow="fold", justify="right" if heading == "rtt" else "left")
    for row in rows(observations):
        made.add_row(*map(Text, row.cells()), style=None if row.ok else "bold red")
    return made


def summary(observations: Sequence[Observation]) -> str:
    """Say in one line how many probes went as predicted."""
    wrong = sum(not one.ok for one in observations)
    if wrong:
        return f"{wrong} of {len(observations)} probes differ from the prediction"
    return f"{len(observations)} probes, all as predicted"


def show(observations: Sequence[Observation], file: TextIO | None = None) -> None:
    """Write table and summary: as wide as the terminal, or as needed where there is none."""
    from rich.console import Console
    from rich.measure import Measurement

    file = sys.stdout if file is None else file
    made = table(observations)
    console = Console(file=file, highlight=False)
    if not file.isatty():
        wide = Console(width=10_000)
        console.width = Measurement.get(wide, wide.options, made).maximum
    console.print(made)
    console.print(summary(observations), markup=False, soft_wrap=True)
