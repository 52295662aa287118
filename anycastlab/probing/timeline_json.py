"""A stream under faults as plain data: the document of ``failover --json``."""

from __future__ import annotations

from typing import Any

from anycastlab.probing.timeline import FlowTimeline, Run, Timeline


def document(found: Timeline) -> dict[str, Any]:
    """Return the document. Every ``…_ms`` of a moment counts from ``zero_ns`` (real time)."""
    recorded = found.recorded
    return {
        "ok": found.ok,
        "interrupted": recorded.interrupted,
        "protocol": recorded.protocol,
        "interval_ms": recorded.pace.interval * 1e3,
        "zero_ns": found.zero,
        "faults": [
            {
                "fault": fault.text,
                "began_ms": _moment(found, fault.began),
                "ended_ms": _moment(found, fault.ended),
            }
            for fault in recorded.struck
        ],
        "changes": [
            {
                "at_ms": _moment(found, change.stamp),
                "node": change.node,
                "what": change.what,
                "about": change.about,
                "via": list(change.via),
            }
            for change in recorded.changes
        ],
        "late": {
            "packets": sum(late > 500_000 for late in recorded.late),
            "of": len(recorded.late),
            "worst_ms": max(recorded.late, default=0) / 1e6,
        },
        "flows": [_flow(found, flow) for flow in found.flows],
    }


def _flow(found: Timeline, flow: FlowTimeline) -> dict[str, Any]:
    return {
        "client": flow.flow.client,
        "group": flow.flow.target.group,
        "family": flow.flow.family,
        "address": flow.flow.target.address,
        "predicted": list(flow.predicted),
        "old": flow.old,
        "new": flow.new,
        "last_old_ms": _moment(found, flow.last_old),
        "first_new_ms": _moment(found, flow.first_new),
        "gap_ms": _span(flow.gap),
        "sent": flow.sent,
        "refused": flow.refused,
        "received": flow.received,
        "lost": flow.lost,
        "unanswered": flow.unanswered,
        "duplicated": flow.duplicated,
        "reordered": flow.reordered,
        "bounced": flow.bounced,
        "misdelivered": flow.misdelivered,
        "runs": [_run(found, run) for run in flow.runs],
        "ok": flow.ok,
    }


def _run(found: Timeline, run: Run) -> dict[str, Any]:
    return {
        "instance": run.instance,
        "first_ms": _moment(found, run.first),
        "last_ms": _moment(found, run.last),
        "packets": run.packets,
    }


def _moment(found: Timeline, stamp: int | None) -> float | None:
    return None if stamp is None else round((stamp - found.zero) / 1e6, 4)


def _span(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else round(nanoseconds / 1e6, 4)
