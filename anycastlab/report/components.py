"""What components tell of themselves, as YAML: a name, then its tables and counters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml


def tables(told: Mapping[str, Mapping[str, Any]]) -> str:
    """Write what each component holds; one that tells nothing is named all the same."""
    shown = {name: dict(held) or None for name, held in told.items()}
    text: str = yaml.safe_dump(shown, sort_keys=False, allow_unicode=True)
    return text.replace(": null\n", ":\n")


def binding_table(bindings: Sequence[Mapping[str, Any]]) -> str:
    """A line for each bound connection: the address asked, the ports, who it is with."""
    rows = [
        (str(one["local_port"]), f"{one['service']} port {one['port']}", str(one["instance"]))
        for one in bindings
    ]
    lines = [("local port", "asked", "bound to"), *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(3)]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        + "\n"
        for line in lines
    )
