"""Reports as plain data for JSON: what the verbs print with ``--json``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from anycastlab.experiments.verdict import Verdict
from anycastlab.probing.observation import Observation


def observations(found: Sequence[Observation]) -> list[dict[str, Any]]:
    """Return what ``probe`` and ``catchment`` report: a list of observations."""
    return [one.as_json() for one in found]


def verdicts(found: Sequence[Verdict]) -> dict[str, Any]:
    """Return what ``run`` reports: whether all is well, and one object for each topology."""
    return {
        "ok": all(verdict.ok for verdict in found),
        "topologies": [verdict.as_json() for verdict in found],
    }
