"""Verdicts to be reported."""

from __future__ import annotations

from anycastlab.errors import AnycastlabError
from anycastlab.experiments.verdict import Outcome, StepResult, Verdict

DIFFERS = Outcome("6 probes: s2", ("c1 → A, IPv4, ICMP: expected s1",))


def passed() -> StepResult:
    """Return a step that went well."""
    return StepResult("kill: s1", 11, 0.002, Outcome("s1 is dead"))


def failed(outcome: Outcome = DIFFERS) -> StepResult:
    """Return a step whose expectation was not met."""
    return StepResult("expect: {from: c1, to: A, instance: s1}", 12, 0.012, outcome)


def verdict(*steps: StepResult, error: AnycastlabError | None = None) -> Verdict:
    """Return a verdict on these steps."""
    return Verdict("figure1", "figure1.yaml", steps, 1.5, error)
