"""The predicted catchment, by hand and against networkx."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from anycastlab.routing.catchment import distances, predict
from anycastlab.routing.state import NetworkState

from .networks import build, networks, states
from .reference import digraph, distance

FIGURE1 = build(
    [("c1", "r1"), ("c2", "r2"), ("s1", "r1"), ("s2", "r2"), ("r1", "r2", 10)],
    {"A": ["s1", "s2"]},
)


def test_each_client_is_predicted_at_its_nearest_instance() -> None:
    assert predict(FIGURE1) == {("c1", "A"): ("s1",), ("c2", "A"): ("s2",)}
    assert distances(FIGURE1) == {("c1", "A"): 2, ("c2", "A"): 2}


def test_a_dead_instance_hands_its_clients_to_the_next_nearest() -> None:
    state = NetworkState(dead=frozenset({"s1"}))
    assert predict(FIGURE1, state) == {("c1", "A"): ("s2",), ("c2", "A"): ("s2",)}
    assert distances(FIGURE1, state)["c1", "A"] == 12


def test_a_client_that_is_cut_off_or_dead_reaches_nothing() -> None:
    for state in (
        NetworkState(cut=frozenset({"c1-r1"})),
        NetworkState(dead=frozenset({"c1"})),
        NetworkState(dead=frozenset({"r1"})),
    ):
        assert predict(FIGURE1, state) == {("c1", "A"): (), ("c2", "A"): ("s2",)}
        assert distances(FIGURE1, state) == {("c1", "A"): None, ("c2", "A"): 2}


def test_equally_near_instances_are_all_named() -> None:
    line = build(
        [("s2", "r1"), ("s1", "r2"), ("r1", "r"), ("r2", "r"), ("r", "c")], {"A": ["s2", "s1"]}
    )
    assert predict(line) == {("c", "A"): ("s1", "s2")}
    dearer = NetworkState(costs={("r", "r1"): 2})
    assert predict(line, dearer) == {("c", "A"): ("s1",)}


def test_distance_is_measured_along_the_clients_own_direction() -> None:
    links = [("c", "r"), ("r", "r1", 1, 9), ("r", "r2", 2, 1), ("r1", "s1"), ("r2", "s2")]
    assert predict(build(links, {"A": ["s1", "s2"]})) == {("c", "A"): ("s1",)}


def test_hosts_do_not_forward() -> None:
    links = [("c", "r1"), ("r1", "s9"), ("s9", "r2"), ("r2", "s1")]
    assert predict(build(links, {"A": ["s1"]})) == {("c", "A"): ()}
    assert predict(build(links, {"A": ["s9"]})) == {("c", "A"): ("s9",)}


def test_only_the_group_asked_for_is_predicted() -> None:
    network = build([("c", "r"), ("r", "s1"), ("r", "s2")], {"A": ["s1"], "B": ["s2"]})
    assert predict(network, group="B") == {("c", "B"): ("s2",)}
    assert distances(network, group="B") == {("c", "B"): 2}
    assert set(predict(network)) == {("c", "A"), ("c", "B")}


@given(st.data())
def test_the_catchment_of_any_network_in_any_state_is_that_of_networkx(data: st.DataObject) -> None:
    network = data.draw(networks())
    state = data.draw(states(network))
    graph = digraph(network, state)
    predicted, lengths = predict(network, state), distances(network, state)
    for (client, group), instances in predicted.items():
        away = {m: distance(network, graph, client, m) for m in network.groups[group].instances}
        least = min(away.values())
        if least == float("inf"):
            assert (instances, lengths[client, group]) == ((), None)
        else:
            nearest = tuple(sorted(m for m in away if away[m] == least))
            assert (instances, lengths[client, group]) == (nearest, least)
