"""Draw what scripts/lan-table has measured: how long a death lasts, against what noticing costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

SERIES = (
    ("4", "requests", "ARP: broadcasts", "o-", "C0"),
    ("6", "requests", "ND: multicasts", "s-", "C1"),
    ("4", "probes", "ARP: unicast probes", "o--", "C2"),
    ("6", "probes", "ND: unicast probes", "s--", "C3"),
)
_LEAST = 0.01
"""Seconds; an outage of none would have no place on a logarithmic axis."""
Point = tuple[float, float, float, float]
"""Frames a minute; the mean, the least, the longest outage in seconds."""


def points(
    measured: Mapping[str, Any], names: Sequence[str], family: str, kind: str
) -> list[Point]:
    """The points of a curve: the settings in which such frames are what it costs."""
    found = []
    for name in names:
        rate = measured[name]["rates"].get(family, {}).get(kind, 0) if name in measured else 0
        if not rate:
            continue
        gaps = [gap / 1000 for gap in measured[name]["outages"][family] if gap is not None]
        if gaps:
            low, high = (max(_LEAST, end) for end in (min(gaps), max(gaps)))
            found.append((rate, max(_LEAST, fmean(gaps)), low, high))
    return sorted(found)


def draw(measured: Mapping[str, Any], names: Sequence[str], file: Path) -> None:
    """Write the curves of the settings with these *names* as a picture (SVG)."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "lan"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4.5))
    for family, kind, label, style, colour in SERIES:
        curve = points(measured, names, family, kind)
        if curve:
            rates, means, lows, highs = zip(*curve, strict=True)
            below = [mean - low for mean, low in zip(means, lows, strict=True)]
            above = [high - mean for mean, high in zip(means, highs, strict=True)]
            axes.errorbar(
                rates, means, yerr=(below, above), fmt=style, color=colour, label=label, capsize=2
            )
    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:g}")
    axes.set_xlabel("frames a minute while nobody dies")
    axes.set_ylabel("seconds until somebody else is believed")
    axes.legend()
    axes.grid(visible=True, which="both", alpha=0.3)
    figure.savefig(file, metadata={"Date": None}, bbox_inches="tight")
    pyplot.close(figure)
