"""Two senders share a large map: nothing of what is seen depends on it."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from anycastlab.lab.handle import Lab
from anycastlab.probing import crew
from anycastlab.probing.observation import Observation
from anycastlab.probing.plan import Block, Target
from anycastlab.probing.prober import Prober
from anycastlab.probing.sweep import Sweep
from anycastlab.probing.taps import LostPacketsError

TARGETS = [Target("A", "192.0.2.1", b"", 0)]
BLOCKS = [Block(f"c{number}", 4, "icmp", TARGETS, number) for number in range(4)]


def without_time(seen: Sequence[Observation]) -> list[Observation]:
    return [one._replace(rtt=None) for one in seen]


@pytest.fixture
def senders(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Make two senders worth it for any pass; note for each one whether it is another thread."""
    found = []
    run = Sweep.run

    def noted(self: Sweep, blocks: Sequence[Block], linger: float) -> None:
        found.append(threading.current_thread() is not threading.main_thread())
        run(self, blocks, linger)

    monkeypatch.setattr(crew, "_LEAST", 1)
    monkeypatch.setattr(crew, "_SENDERS", 2)
    monkeypatch.setattr(Sweep, "run", noted)
    return found


@pytest.mark.lab("topologies/figure1.yaml")
def test_two_senders_see_what_one_sees(lab: Lab, prober: Prober, senders: list[bool]) -> None:
    protocols = ("icmp", "syn", "tcp", "udp")
    together = prober.catchment(protocols=protocols)
    assert senders == [True, True]
    assert all(one.ok and one.copies == 1 and one.rtt is not None for one in together)
    alone = [
        one
        for client in lab.network.role("client")
        for one in prober.catchment([client], protocols=protocols)
    ]
    assert without_time(together) == without_time(alone)


@pytest.mark.lab("topologies/figure1.yaml")
def test_a_dead_client_costs_its_own_probes_only(
    lab: Lab, prober: Prober, senders: list[bool]
) -> None:
    lab.kill("c2")
    seen = prober.catchment(timeout=5)
    assert senders == [True, True]
    assert {one.client for one in seen if one.answered_by is None} == {"c2"}


class Stub:
    """A sweep that fails, or waits until it is stopped."""

    def __init__(self, fails: bool) -> None:
        self._fails, self.stopped = fails, threading.Event()

    def run(self, blocks: Sequence[Block], linger: float) -> None:
        if self._fails:
            raise LostPacketsError("c1", 3)
        assert self.stopped.wait(20)

    def stop(self) -> None:
        self.stopped.set()


@pytest.mark.parametrize("failing", [0, 1])
def test_one_sender_that_fails_ends_the_others_work(
    monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    monkeypatch.setattr(crew, "_LEAST", 1)
    monkeypatch.setattr(crew, "_SENDERS", 2)
    made: list[Stub] = []

    def sweep(senders: int) -> Stub:
        assert senders == 2
        made.append(Stub(len(made) == failing))
        return made[-1]

    with pytest.raises(LostPacketsError):
        crew.run(sweep, BLOCKS, 0.0)  # type: ignore[arg-type]
    assert all(one.stopped.is_set() for one in made)


@pytest.mark.parametrize(("least", "shares"), [(5, [4]), (4, [2, 2])])
def test_a_small_pass_is_not_shared(
    monkeypatch: pytest.MonkeyPatch, least: int, shares: list[int]
) -> None:
    monkeypatch.setattr(crew, "_LEAST", least)
    monkeypatch.setattr(crew, "_SENDERS", 2)
    given: list[int] = []

    class Counting(Stub):
        def run(self, blocks: Sequence[Block], linger: float) -> None:
            given.append(len(blocks))

    crew.run(lambda _: Counting(False), BLOCKS, 0.0)  # type: ignore[arg-type,return-value]
    assert given == shares
