"""What this host can do, as a table for people and as a document for programs."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from anycastlab.kernel.features import Finding, lacking

_STYLES = {"works": "green", "missing": "red", "untried": "yellow"}


def document(findings: Sequence[Finding]) -> dict[str, Any]:
    """Return the JSON document of `doctor`: kernel, mode, ready, and one object a feature."""
    return {
        "kernel": os.uname().release,
        "mode": _mode(),
        "ready": not lacking(findings),
        "features": [_object(finding) for finding in findings],
    }


def table(findings: Sequence[Finding]) -> Table:
    """Return one row a feature; what does not work also says why, its cost and its remedy."""
    rows = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    rows.add_column(no_wrap=True)
    rows.add_column(no_wrap=True)
    rows.add_column()
    for finding in findings:
        state = Text(finding.outcome, _STYLES[finding.outcome])
        rows.add_row(state, finding.feature.name, _account(finding))
    return rows


def summary(findings: Sequence[Finding]) -> str:
    """Return the verdict in one sentence."""
    missing = lacking(findings)
    if missing:
        return f"This host cannot run labs ({_mode()}), for want of: {', '.join(missing)}."
    count = Counter(finding.outcome for finding in findings)
    return f"This host can run labs ({_mode()}): {count['works']} of {len(findings)} features work."


def _mode() -> str:
    return "root" if os.geteuid() == 0 else "rootless"


def _object(finding: Finding) -> dict[str, Any]:
    feature = finding.feature
    return {
        "name": feature.name,
        "required": feature.required,
        "outcome": finding.outcome,
        "errno": finding.errno or None,
        "detail": finding.detail,
        "purpose": feature.purpose,
        "cost": feature.cost,
        "remedy": finding.remedy,
    }


def _account(finding: Finding) -> str:
    feature = finding.feature
    if finding.outcome == "works":
        return f"{feature.purpose} ({finding.detail})" if finding.detail else feature.purpose
    why = f"{finding.errno}: {finding.detail}" if finding.errno else finding.detail
    lines = [feature.purpose, f"- why: {why}", f"- cost: {feature.cost}"]
    if finding.remedy:
        lines.append(f"- to get it: {finding.remedy}")
    return "\n".join(lines)
