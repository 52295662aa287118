"""How an expectation judges one observation: in words, what differs, or nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from anycastlab.experiments.fields import PREDICTED, Wanted
from anycastlab.probing.observation import Observation

NAMED = 8
"""How many instances a summary names."""

Judge = Callable[[Observation], str | None]
"""Return what was expected if the observation does not show it, else None."""


def any_of(instances: Iterable[str]) -> str:
    """Say ``s1 or s2``; ``nobody`` for none."""
    return " or ".join(instances) or "nobody"


def delivered(want: Wanted) -> Judge:
    """Expect that only instances wanted receive the probe, and that one of those answers it."""

    def judge(observation: Observation) -> str | None:
        if want == PREDICTED:
            note = f"expected {any_of(observation.predicted)} (predicted)"
            return None if observation.ok else note
        met = observation._replace(predicted=tuple(want)).ok
        return None if met else f"expected {any_of(want)}"

    return judge


def received(want: Wanted) -> Judge:
    """Expect that only instances wanted receive the probe, whether one answers it or not."""

    def judge(observation: Observation) -> str | None:
        members = observation.predicted if want == PREDICTED else tuple(want)
        seen = observation.received_by
        met = bool(seen) == bool(members) and set(seen) <= set(members)
        return None if met else f"expected {any_of(members)} to receive it"

    return judge


def answered(want: bool) -> Judge:
    """Expect that somebody answers the probe, or that nobody does."""

    def judge(observation: Observation) -> str | None:
        met = (observation.answered_by is not None) == want
        return None if met else f"expected {'an' if want else 'no'} answer"

    return judge


def not_received(members: tuple[str, ...]) -> Judge:
    """Expect that none of the members receives the probe."""

    def judge(observation: Observation) -> str | None:
        hit = not set(members).isdisjoint(observation.received_by)
        return f"expected never {any_of(members)}" if hit else None

    return judge


def received_once(observation: Observation) -> str | None:
    """Expect one copy at exactly one member (the "preferably only one" of RFC 1546)."""
    met = observation.copies == 1 and len(observation.received_by) == 1
    return None if met else f"expected exactly one copy, found {observation.copies}"


def difference(observation: Observation, expected: str) -> str:
    """Say where the observation differs: ``c3 → A, IPv4, ICMP: expected s1, received by …``."""
    return (
        f"{observation.client} → {observation.group}, IPv{observation.family}, "
        f"{observation.protocol.upper()}: {expected}, "
        f"received by {' and '.join(observation.received_by) or 'nobody'}, "
        f"answered by {observation.answered_by or 'nobody'}"
    )


def differences(observations: Iterable[Observation], judges: Iterable[Judge]) -> tuple[str, ...]:
    """One line for each observation and judge that disagree."""
    judges = tuple(judges)
    return tuple(
        difference(observation, expected)
        for observation in observations
        for judge in judges
        if (expected := judge(observation)) is not None
    )


def summary(observations: Iterable[Observation]) -> str:
    """Say who received and answered, in one line: ``6 probes: s1 4, s2 2``."""
    counts = Counter(map(delivery, observations))
    total = counts.total()
    named = counts.most_common(NAMED)
    parts = [f"{who} {count}" for who, count in named]
    if len(counts) > NAMED:
        parts.append(f"{len(counts) - NAMED} others {total - sum(count for _, count in named)}")
    told = ", ".join(parts) if len(counts) > 1 else next(iter(counts), "none")
    return f"{total} probe{'s' * (total != 1)}: {told}"


def delivery(observation: Observation) -> str:
    """Name who received a probe; and who answered it, if that is somebody else."""
    received = "+".join(observation.received_by) or "nobody"
    if observation.answered_by in (received, None) and bool(observation.answered_by) == bool(
        observation.received_by
    ):
        return received
    return f"{received} (answered by {observation.answered_by or 'nobody'})"
