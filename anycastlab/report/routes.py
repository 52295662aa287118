"""Numbers of routes as lines for people."""

from __future__ import annotations

from collections.abc import Sequence

from anycastlab.lab.route_counts import KINDS, RouteCount


def text(counts: Sequence[RouteCount]) -> str:
    """Return one line for each node and family; kinds that nobody has are left out."""
    kinds = [kind for kind in KINDS if any(count.of(kind) for count in counts)]
    rows = [["node", "family", "total", *kinds, "bytes"]]
    rows += [
        [
            count.node,
            f"IPv{count.family}",
            str(count.total),
            *(str(count.of(kind)) for kind in kinds),
            "-" if count.bytes is None else str(count.bytes),
        ]
        for count in counts
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "".join(
        "  ".join(
            cell.ljust(width) if place < 2 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        + "\n"
        for row in rows
    )
