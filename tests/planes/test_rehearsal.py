"""Deaths of members are rehearsed, and what was rehearsed is what the lab would have computed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import pytest

from anycastlab.kernel import namespace
from anycastlab.kernel.netlink import Netlink
from anycastlab.lab.faults import Faults
from anycastlab.lab.multipath import writers
from anycastlab.lab.planes import rehearsal
from anycastlab.lab.planes.convergence import kernel_table
from anycastlab.lab.planes.kernel import KernelPlane
from anycastlab.lab.planes.rehearsal import Rehearsals
from anycastlab.lab.world import World
from anycastlab.routing.forwarding import forwarding
from anycastlab.routing.state import INTACT, NetworkState
from anycastlab.topology.network import Multipath, Network, Routing

from .harness import TWO_SITES, network_of

MEMBERS = ("s1", "s2", "s3", "r5")


class _CountingWorld(World):
    """Counts how often it is told to send to many."""

    rounds = 0

    def send_each(
        self, batches: Iterable[tuple[str, Sequence[bytes]]], tolerate: Iterable[int] = ()
    ) -> None:
        self.rounds += 1
        super().send_each(batches, tolerate)


class _Lab:
    def __init__(self) -> None:
        self.network = _network()
        with namespace.returning_home():
            self.world = _CountingWorld(self.network)
            self.world.open_workshop()
            self.world.build_namespaces(lambda *_: None)
            self.world.build_links()
            self.world.configure()
        self.plane = KernelPlane(self.world)
        self.faults = Faults(self.world, self.plane)
        self.plane.prepare()
        self.plane.install()

    def rounds_of(self, node: str) -> int:
        """Kill a node; return in how many rounds its routes were written."""
        before = self.world.rounds
        self.faults.kill(node)
        return self.world.rounds - before

    def agrees(self) -> bool:
        """Whether every living node's kernel has the predicted routes through gateways."""
        return all(
            self._read(name) == {prefix: {*hops} for prefix, hops in table.items()}
            for name, table in forwarding(self.network, self.faults.state).items()
        )

    def _read(self, name: str) -> dict[object, set[object]]:
        with Netlink(self.world.namespaces[name]) as socket:
            table = kernel_table(socket)
        return {p: {*hops} for p, hops in table.items() if any(gateway for _, gateway in hops)}

    def settle(self) -> None:
        while self.plane.settle():
            pass


def _network() -> Network:
    return replace(network_of(TWO_SITES, daemon="kernel"), routing=Routing())


@pytest.fixture(scope="module")
def built() -> Iterator[_Lab]:
    made = _Lab()
    yield made
    for name in made.network.nodes:
        made.world.destroy(name)
    for descriptor in (*made.world.namespaces.values(), made.world._workshop):
        os.close(descriptor)


@pytest.fixture
def lab(built: _Lab) -> Iterator[_Lab]:
    yield built
    for a, b in [name.split("--") for name in built.faults.state.cut]:
        built.faults.mend(a, b)
    for node in built.faults.state.dead:
        built.faults.revive(node)
    assert built.agrees()


@pytest.mark.parametrize("member", MEMBERS)
def test_a_rehearsed_death_leaves_the_predicted_routes(lab: _Lab, member: str) -> None:
    lab.settle()
    assert lab.rounds_of(member) == 1, "all was at hand"
    assert lab.agrees()


def test_a_death_nobody_rehearsed_leaves_them_too(lab: _Lab) -> None:
    assert lab.rounds_of("s1") == 2, "service addresses, then the rest"
    assert lab.agrees()


def test_a_rehearsal_ends_with_the_state_it_was_made_for(lab: _Lab) -> None:
    lab.settle()
    lab.faults.cut("r1", "r3")
    assert lab.rounds_of("s3") == 2
    assert lab.agrees()


def test_one_death_after_another_is_rehearsed_in_time(lab: _Lab) -> None:
    for member in ("s2", "r5"):
        lab.settle()
        assert lab.rounds_of(member) == 1
        assert lab.agrees()


def test_a_node_that_is_no_member_is_not_rehearsed(lab: _Lab) -> None:
    lab.settle()
    assert lab.rounds_of("r2") == 2
    assert lab.agrees()


# -- which deaths --------------------------------------------------------------------------------


def rehearsed(network: Network, state: NetworkState = INTACT) -> list[str]:
    rehearsals = Rehearsals(network, writers(network))
    rehearsals.restart(state)
    found = []
    while (death := rehearsals.next()) is not None:
        found += death.dead - state.dead
        rehearsals.rehearse({})
        assert rehearsals.find(death) is not None
        assert rehearsals.find(replace(death, cut=frozenset({"r1--r3"}))) is None
    return found


def test_every_living_member_is_rehearsed_once() -> None:
    assert sorted(rehearsed(_network())) == sorted(MEMBERS)
    assert "s2" not in rehearsed(_network(), NetworkState(dead=frozenset({"s2"})))


def test_resilient_groups_keep_count_of_what_is_written_so_nothing_is_rehearsed() -> None:
    routing = replace(_network().routing, multipath=Multipath(resilient=True))
    assert rehearsed(replace(_network(), routing=routing)) == []


def test_no_more_is_rehearsed_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal, "_MOST", 0)
    assert rehearsed(_network()) == []
