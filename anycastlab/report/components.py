"""What components tell of themselves, as YAML: a name, then its tables and counters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml


def tables(told: Mapping[str, Mapping[str, Any]]) -> str:
    """Write what each component holds; one that tells nothing is named all the same."""
    shown = {name: dict(held) or None for name, held in told.items()}
    text: str = yaml.safe_dump(shown, sort_keys=False, allow_unicode=True)
    return text.replace(": null\n", ":\n")
