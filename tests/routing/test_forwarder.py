"""Tables that follow faults: the same as tables made afresh, and each change just what changed."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anycastlab.routing import repair
from anycastlab.routing.forwarder import Forwarder
from anycastlab.routing.graph import Graph, Wiring
from anycastlab.routing.state import INTACT, NetworkState
from anycastlab.routing.table import Prefix

from .networks import build, compact, networks, states

SERVICE = Prefix(ip_address("192.0.2.1").packed, 32)
RING = build(
    [*((f"r{i}", f"r{(i + 1) % 6}") for i in range(6)), ("c", "r0"), ("s1", "r1"), ("s2", "r3")],
    {"A": ["s1", "s2"]},
)


@pytest.mark.parametrize("most_lost", [1, repair.MOST_LOST], ids=["repaired", "mixed"])
@given(data=st.data())
def test_any_sequence_of_faults_leads_to_the_tables_made_afresh(
    most_lost: int, data: st.DataObject
) -> None:
    network = data.draw(networks())
    if data.draw(st.booleans()):
        network = compact(network)
    forwarder = Forwarder(network)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repair, "MOST_LOST", most_lost)
        for state in data.draw(st.lists(states(network), min_size=1, max_size=5)):
            forwarder.update(state)
            assert forwarder.tables == Forwarder(network, state).tables


@given(st.data())
def test_the_changes_turn_each_old_table_into_the_new_one(data: st.DataObject) -> None:
    network = data.draw(networks())
    if data.draw(st.booleans()):
        network = compact(network)
    before, after = data.draw(states(network)), data.draw(states(network))
    forwarder = Forwarder(network, before)
    old = {name: dict(table) for name, table in forwarder.tables.items()}
    changes = forwarder.update(after)
    for name, table in forwarder.tables.items():
        was = old.get(name, {})
        removed, put = changes.get(name, ([], {}))
        assert set(removed) == set(was) - set(table)
        assert put == {prefix: hops for prefix, hops in table.items() if was.get(prefix) != hops}


def test_a_killed_server_takes_its_routes_away_and_moves_its_catchment() -> None:
    forwarder = Forwarder(RING)
    changes = forwarder.update(NetworkState(dead=frozenset({"s1"})))
    assert "s1" not in forwarder.tables
    assert "s1" not in changes
    assert changes["r0"].put.keys() >= {SERVICE}
    own = Prefix(RING.nodes["s1"].ipv4.packed, 32)
    assert own in changes["r0"].removed
    assert SERVICE not in changes["r3"].put


def test_a_revived_server_gets_everything_back() -> None:
    forwarder = Forwarder(RING)
    before = {name: dict(table) for name, table in forwarder.tables.items()}
    forwarder.update(NetworkState(dead=frozenset({"s1"})))
    changes = forwarder.update(INTACT)
    assert forwarder.tables == before
    assert changes["s1"].put == before["s1"]


def test_service_addresses_come_first_in_every_change() -> None:
    changes = Forwarder(RING).update(NetworkState(dead=frozenset({"r3"})))
    services = [group.packed for group in RING.groups["A"].addresses]
    for change in changes.values():
        is_service = [prefix.address in services for prefix in change.put]
        assert is_service == sorted(is_service, reverse=True)
    assert SERVICE in changes["r4"].put


def test_nothing_changes_when_the_state_stays() -> None:
    state = NetworkState(cut=frozenset({"r0-r1"}), costs={("r2", "r3"): 7})
    forwarder = Forwarder(RING, state)
    assert forwarder.update(state) == {}
    assert forwarder.update(INTACT) != {}


def test_in_compact_tables_a_lost_host_is_a_matter_of_its_router_alone() -> None:
    changes = Forwarder(compact(RING)).update(NetworkState(dead=frozenset({"c"})))
    assert set(changes) == {"r0"}


@given(st.data())
def test_what_is_foreseen_is_what_an_update_does_and_nothing_moves_before(
    data: st.DataObject,
) -> None:
    network = data.draw(networks())
    if data.draw(st.booleans()):
        network = compact(network)
    forwarder = Forwarder(network, data.draw(states(network)))
    was = {name: dict(table) for name, table in forwarder.tables.items()}
    for state in data.draw(st.lists(states(network), min_size=1, max_size=3)):
        foreseen = forwarder.foresee(state)
        assert forwarder.tables == was
    assert forwarder.update(state) == foreseen
    assert forwarder.tables == Forwarder(network, state).tables


def test_changes_are_carried_out_from_the_new_instance_outward() -> None:
    dead = NetworkState(dead=frozenset({"s1"}))
    forwarder = Forwarder(RING, services_only=True)
    foreseen = list(forwarder.foresee(dead))
    assert foreseen == ["r2", "r1", "r5", "r0"]  # 2, 3, 3 and 4 from s2; r5 had two ways
    assert foreseen == list(forwarder.outward(forwarder.update(dead)))


@given(st.data())
def test_a_graph_that_moves_is_the_one_joined_anew(data: st.DataObject) -> None:
    wiring = Wiring(data.draw(networks()))
    before, after = data.draw(states(wiring.network)), data.draw(states(wiring.network))
    graph = Graph.joined(wiring, before)
    assert graph.moved(after) == Graph.joined(wiring, after)
    assert graph == Graph.joined(wiring, before), "the old one is as it was"


def test_a_graph_that_moves_keeps_the_edges_of_nodes_far_from_the_fault() -> None:
    graph = Graph.of(RING)
    moved = graph.moved(NetworkState(dead=frozenset({"s1"})))
    near = {graph.wiring.number[name] for name in ("s1", "r1")}
    kept = {v for v in range(len(moved.out)) if moved.out[v] is graph.out[v]}
    assert kept == set(range(len(moved.out))) - near
