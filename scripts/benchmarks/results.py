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
        limit: float | None,
        against: str = "C",
        unit: str = "ms",
    ) -> Row:
        """Ours may take at most *limit* times as long as theirs; None: they are only compared."""
        a, b = median(ours), median(theirs)
        target, ok = ("", True) if limit is None else (f"<= {limit:g}x", a / b <= limit)
        return cls(measure, size, unit, a, against, b, a / b, target, ok)

    @classmethod
    def faster(
        cls,
        measure: str,
        size: int,
        ours: Sequence[float],
        theirs: Sequence[float],
        least: float | None,
        against: str,
        unit: str = "ms",
    ) -> Row:
        """Theirs takes at least *least* times as long as ours; None: they are only compared."""
        a, b = median(ours), median(theirs)
        target, ok = ("", True) if least is None else (f">= {least:g}x", b / a >= least)
        return cls(measure, size, unit, a, against, b, b / a, target, ok)

    @classmethod
    def within(
        cls,
        measure: str,
        size: int,
        ours: Sequence[float],
        limit: float,
        unit: str,
        by_c: Sequence[float] | None = None,
    ) -> Row:
        """Our figure has a limit of its own; C's, if any, shows what the machine was able to do."""
        a, b = median(ours), median(by_c) if by_c else None
        against = "C" if by_c else ""
        return cls(measure, size, unit, a, against, b, a, f"<= {limit:g} {unit}", a <= limit)

    def text(self) -> str:
        """One line of the table."""
        theirs = "" if self.theirs is None else f"{self.theirs:.4g}"
        compared = self.theirs is not None and self.target[-1:] in ("x", "")
        ratio = f"{self.value:.2f}x" if compared else ""
        verdict = ("ok" if self.ok else "MISSED") if self.target else ""
        return (
            f"{self.measure:<40} {self.size:>6} {self.ours:>10.4g} {self.unit:<6}"
            f" {theirs:>10} {self.against:<12} {ratio:>9}  {self.target:<12} {verdict}"
        )


HEADING = (
    f"{'measure':<40} {'N':>6} {'ours':>10} {'':<6} {'theirs':>10} {'against':<12}"
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
