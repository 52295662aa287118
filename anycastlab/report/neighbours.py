"""A node's neighbour caches as lines for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_COLUMNS = ("address", "of", "holder", "state", "interface")


def text(entries: Sequence[Mapping[str, Any]]) -> str:
    """Return one line for each entry, under a head."""
    rows = [_COLUMNS, *(tuple(str(one[key] or "-") for key in _COLUMNS) for one in entries)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
    return "".join(f"{line.rstrip()}\n" for line in lines)
