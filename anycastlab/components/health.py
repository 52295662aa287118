"""Health checks: a member is announced while its service answers, see topology/health.py.

What is done by hand comes first: who was withdrawn by hand is not announced here, and who was
announced by hand although its service is dead stays so until the service has been alive again.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, ClassVar

from anycastlab.components.base import Component, Options, Place, Timer
from anycastlab.components.health_checks import ATTEMPTS, Attempt
from anycastlab.components.health_judge import Judge
from anycastlab.errors import AnycastlabError
from anycastlab.topology.network import Check, Group


class Tie:
    """What ties one membership of a node to the node's service."""

    def __init__(self, place: Place, group: Group, spec: Check) -> None:
        self._place, self._group, self._spec = place, group, spec
        self._ours, self._open = not self._announced, False
        """Whether it was this that withdrew the member; it may have been stopped since."""
        self._withdrawn_at = time.monotonic()
        self._judge = Judge(spec.fall, spec.rise, alive=not self._ours)
        self._attempt: Attempt | None = None
        self._timer: Timer = place.after(spec.interval, self._begin)
        self._counts = {"checks": 0, "failures": 0, "withdrawals": 0, "announcements": 0}
        self._problem = ""

    def _begin(self) -> None:
        self._begun = time.monotonic()
        self._attempt = ATTEMPTS[self._spec.service](
            self._place, self._group, self._spec, self._checked
        )
        self._attempt.begin()

    def end(self) -> None:
        """Check no more; routes stay as they are."""
        self._timer.cancel()
        if self._attempt is not None:
            self._attempt.abandon()

    def _checked(self, problem: str) -> None:
        wait = self._begun + self._spec.interval - time.monotonic()
        self._timer = self._place.after(max(0.0, wait), self._begin)
        self._counts["checks"] += 1
        self._counts["failures"] += bool(problem)
        self._problem = problem
        changed = self._judge.see(not problem)
        try:
            self._alive() if self._judge.alive else self._dead(changed)
        except (AnycastlabError, OSError) as error:  # as of a daemon that is mute; checks go on
            self._problem = str(error)

    # -- what follows ---------------------------------------------------------------------------

    @property
    def _announced(self) -> bool:
        return self._place.node in self._place.announcers(self._group.name)

    def _alive(self) -> None:
        self._open = False
        self._ours &= not self._announced  # it may have been announced by hand
        over = time.monotonic() >= self._withdrawn_at + self._spec.hold_down
        if self._ours and over:
            self._ours = False
            self._counts["announcements"] += self._place.announce(self._group.name)

    def _dead(self, just_now: bool) -> None:
        """Withdraw when the service has died, or as soon as it is not the last any more."""
        if not (just_now or self._open):
            return
        last = self._place.announcers(self._group.name) == (self._place.node,)
        self._open = last and self._spec.fail_open
        if not self._open and not self._ours:
            self._ours, self._withdrawn_at = True, time.monotonic()  # also if a daemon refuses
            self._ours = self._place.withdraw(self._group.name)
            self._counts["withdrawals"] += self._ours

    def tell(self) -> dict[str, Any]:
        """What was asked, what came of it, and what follows."""
        return {
            "service": self._spec.service,
            "alive": self._judge.alive,
            "announced": self._announced,
            "failing_open": self._open,
            **self._counts,
            "problem": self._problem,
        }


class Health(Component):
    """Looks after a member's services; on every member that has a `check`."""

    name: ClassVar[str] = "health"
    serves: ClassVar[bool] = False

    def __init__(self) -> None:
        self._ties: dict[str, Tie] = {}

    def start(self, place: Place, options: Options) -> None:
        """Begin to check for each group in which this member has a check."""
        for group in place.network.groups.values():
            for member in group.members:
                if member.node == place.node and member.check and member.tied:
                    self._ties[group.name] = Tie(place, group, member.check)

    def stop(self) -> None:
        """Check no more."""
        for tie in self._ties.values():
            tie.end()

    def tell(self) -> Mapping[str, Any]:
        """The state of each membership, by group."""
        return {name: tie.tell() for name, tie in self._ties.items()}
