"""Rows of the table: medians, their ratio, and the target they are held to."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison. ``value`` is what the target bounds: a ratio, or our own figure alone."""

    measure: str
    size: int
    unit: str
    ours: float
    against: str
    theirs: float | None
    value: float
    target: str
    ok: bool

    @classmethod
    def at_most(
        cls,
        measure: str,
        size: int,
        ours: Sequence[float],
        theirs: Sequence[float],
        limit: float,
        against: str = "C",
        unit: str = "ms",
    ) -> Row:
        """Ours may take at most *limit* times as long as theirs."""
        a, b = median(ours), median(theirs)
        return cls(measure, size, unit, a, against, b, a / b, f"<= {limit:g}x", a / b <= limit)

    @classmethod
    def faster(
        cls,
        measure: str,
        size: int,
        ours: Sequence[float],
        theirs: Sequence[float],
        least: float,
        against: str,
        unit: str = "ms",
    ) -> Row:
        """Theirs takes at least *least* times as long as ours."""
        a, b = median(ours), median(theirs)
        return cls(measure, size, unit, a, against, b, b / a, f">= {least:g}x", b / a >= least)

    @classmethod
    def within(cls, measure: str, size: int, ours: Sequence[float], limit: float, unit: str) -> Row:
        """Our figure has a limit of its own."""
        a = median(ours)
        return cls(measure, size, unit, a, "", None, a, f"<= {limit:g} {unit}", a <= limit)

    def text(self) -> str:
        """One line of the table."""
        theirs = "" if self.theirs is None else f"{self.theirs:.4g}"
        ratio = "" if self.theirs is None else f"{self.value:.2f}x"
        verdict = "ok" if self.ok else "MISSED"
        return (
            f"{self.measure:<40} {self.size:>6} {self.ours:>10.4g} {self.unit:<6}"
            f" {theirs:>10} {self.against:<10} {ratio:>9}  {self.target:<12} {verdict}"
        )


HEADING = (
    f"{'measure':<40} {'N':>6} {'ours':>10} {'':<6} {'theirs':>10} {'against':<10}"
    f" {'ratio':>9}  {'target':<12}"
)


def write_json(file: Path, rows: Iterable[Row]) -> None:
    """Write all rows, and what they were measured on."""
    machine = {
        "kernel": platform.release(),
        "processors": os.cpu_count(),
        "python": platform.python_version(),
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    document = {"machine": machine, "rows": [asdict(row) for row in rows]}
    file.write_text(json.dumps(document, indent=1) + "\n")
