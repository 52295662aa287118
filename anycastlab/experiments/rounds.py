"""Rounds of probes: one, or again and again until an expectation is met, or as long as it is."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from anycastlab.experiments.amount import Amount
from anycastlab.experiments.judging import Judge, differences, summary
from anycastlab.experiments.pacing import pause_until
from anycastlab.experiments.verdict import Outcome
from anycastlab.probing.observation import Observation, Protocol
from anycastlab.topology.network import Family

if TYPE_CHECKING:
    from anycastlab.probing.prober import Prober

PATIENCE = 1.0
"""Seconds without an answer after which a probe counts as unanswered."""

ROUNDS = 10
"""How many rounds there are before a deadline, at the least, when nothing answers."""

MOST = 500
"""How many there are at the most: the machine has more to do, and virtual time must pass."""

SHORTEST = 0.02
"""Seconds: what a busy machine may need for a round in which everything is answered."""


@dataclass(frozen=True, slots=True)
class Round:
    """Which probes one round sends, and who judges what they show."""

    prober: Prober
    clients: tuple[str, ...]
    groups: tuple[str, ...]
    families: tuple[Family, ...]
    protocols: tuple[Protocol, ...]
    judges: Sequence[Judge]
    linger: float = 0.0
    """Seconds to wait for late copies after the answers."""
    share: Amount | None = None
    """How many of the probes must be as expected; None: all."""

    def once(self, patience: float = PATIENCE) -> Outcome:
        """Send all probes; wait for the answers, *patience* seconds at most."""
        observations = self.prober.catchment(
            clients=self.clients,
            groups=self.groups,
            families=self.families,
            protocols=self.protocols,
            timeout=patience,
            linger=self.linger,
        )
        if not observations:
            return Outcome(
                "no probe was sent", ("nothing to probe: no client or no address is left",)
            )
        seen, found = summary(observations), differences(observations, self.judges)
        if self.share is not None:
            met = sum(not differences([one], self.judges) for one in observations)
            seen = f"{met} of {len(observations)} as expected; {seen}"
            wrong = f"expected {self.share} of {len(observations)} probes so, it was {met}"
            found = () if self.share.met(met, len(observations)) else (wrong, *found)
        return Outcome(seen, found, tuple(observations))

    def within(self, limit: float) -> Outcome:
        """Send rounds until one meets the expectation; none starts after *limit* seconds.

        Rounds are short, so that a packet lost in the change does not take the whole time, but for
        the last. Silence proves nothing in a short round: it is confirmed by a patient one.
        """
        deadline = time.monotonic() + limit
        short = min(PATIENCE, max(SHORTEST, limit / ROUNDS))
        rounds, doubtful = 0, False
        while True:
            following = time.monotonic() + limit / MOST
            last = deadline - time.monotonic() <= short
            patience = PATIENCE if last or doubtful else short
            outcome, rounds = self.once(patience), rounds + 1
            hasty = patience < PATIENCE and rests_on_silence(outcome.observations)
            doubtful = outcome.ok and hasty
            over = time.monotonic() >= deadline
            if not doubtful and (outcome.ok or over):
                return counted(outcome, rounds)
            pause_until(following)

    def throughout(self, span: float) -> Outcome:
        """Send rounds for *span* seconds, one at least; stop at the first that fails."""
        end = time.monotonic() + span
        rounds = 0
        while True:
            following = time.monotonic() + span / MOST
            outcome, rounds = self.once(), rounds + 1
            if not outcome.ok or time.monotonic() >= end:
                return counted(outcome, rounds)
            pause_until(following)


def rests_on_silence(observations: Sequence[Observation]) -> bool:
    """Whether some probe got no answer."""
    return any(observation.answered_by is None for observation in observations)


def counted(outcome: Outcome, rounds: int) -> Outcome:
    """Return the outcome of the last of some rounds, and say how many there were."""
    if rounds == 1:
        return outcome
    return Outcome(f"{outcome.seen} (round {rounds})", outcome.differences, outcome.observations)
