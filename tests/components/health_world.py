"""Members that are tied to checks, in simulated time: the real ties, faults and timers, no node."""

from __future__ import annotations

import selectors
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import MappingProxyType, SimpleNamespace
from typing import Any, cast
from unittest.mock import patch

from anycastlab.components import health
from anycastlab.components.health_checks import Attempt
from anycastlab.lab import timers as lab_timers
from anycastlab.lab.faults import Faults
from anycastlab.lab.place import Loop, NodePlace
from anycastlab.lab.timers import Timers
from anycastlab.routing.state import NetworkState
from anycastlab.topology.load import load_text

ANSWERS_IN = 0.001
MEMBERS = ("s1", "s2", "s3")

Answers = Callable[[str, float], bool]
"""Whether the service of a node answers at a time."""


def _holds(_node: str, _group: str, _held: bool) -> None:
    """The world's part in a withdrawal: addresses on a LAN, of which there is none here."""


class World:
    """Three members, all tied by the same check; *answers* says which service is alive when."""

    def __init__(self, check: str, answers: Answers) -> None:
        members = ", ".join(f"{name}: {{check: {{service: tcp, {check}}}}}" for name in MEMBERS)
        self.network = load_text(
            "name: w\nnodes: {r1: router, s1: server, s2: server, s3: server}\n"
            f"links: [[s1, r1], [s2, r1], [s3, r1]]\nanycast: {{A: {{members: {{{members}}}}}}}",
            "w.yaml",
        ).network
        self.now = 1000.0
        self.answers = answers
        self.history: list[tuple[float, frozenset[str]]] = []
        """When it changed, and who was announced from then on."""
        self._timers = Timers()
        plane = SimpleNamespace(reconverge=self._reconverge)
        self.faults = Faults(
            cast(Any, SimpleNamespace(network=self.network, hold=_holds)), cast(Any, plane)
        )
        loop = Loop(
            self.network,
            selectors.DefaultSelector(),
            self._timers,
            cast(Any, None),
            self.faults,
        )
        self.checkers = {name: health.Health() for name in MEMBERS}
        for name, checker in self.checkers.items():
            checker.start(NodePlace(name, -1, loop), checker.options())

    def monotonic(self) -> float:
        """The clock, for whoever imports time."""
        return self.now

    def _reconverge(self, state: NetworkState) -> int:
        withdrawn = {node for _, node in state.withdrawn}
        self.history.append((self.now - 1000, frozenset(MEMBERS) - withdrawn))
        return 0

    @property
    def announced(self) -> set[str]:
        """Who is announced now."""
        return set(self.faults.announcers("A"))

    def told(self, name: str) -> Any:
        """What the checker of a node shows."""
        return self.checkers[name].tell()["A"]

    def run(self, seconds: float) -> None:
        """Let time pass."""
        until = self.now + seconds
        while (wait := self._timers.wait()) is not None and self.now + wait <= until:
            self.now += wait
            self._timers.run()
        self.now = until

    def announcements(self, name: str) -> list[float]:
        """When a member was announced again."""
        before, found = True, []
        for when, announced in self.history:
            if name in announced and not before:
                found.append(when)
            before = name in announced
        return found


class _Scripted(Attempt):
    """Is answered as the world says."""

    world: World

    def _ask(self) -> None:
        answered = self.world.answers(self._place.node, self.world.now - 1000)
        self._place.after(ANSWERS_IN, lambda: self._end("" if answered else "it is dead"))

    def _release(self) -> None:
        """Nothing is open."""


class _Clock:
    """Stands for the module time."""

    world: World | None = None

    def monotonic(self) -> float:
        return self.world.now if self.world else 1000.0


@contextmanager
def world(check: str, answers: Answers) -> Iterator[World]:
    """A world of its own time while the context lasts."""
    clock = _Clock()
    scripted = type("Scripted", (_Scripted,), {})
    checks = "anycastlab.components.health_checks.time"
    with (
        patch.object(lab_timers, "time", clock),
        patch.object(health, "time", clock),
        patch(checks, clock),
        patch.object(health, "ATTEMPTS", MappingProxyType({"tcp": scripted})),
    ):
        made = World(check, answers)
        clock.world = scripted.world = made
        yield made
