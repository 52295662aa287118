"""How far the news of a fault has to go."""

from __future__ import annotations

from itertools import pairwise, permutations
from types import MappingProxyType

import pytest

from anycastlab.routing.graph import Wiring
from anycastlab.routing.news import Flood, News, after, difference, hear
from anycastlab.routing.state import INTACT, NetworkState
from anycastlab.topology.load import load_text

CHAIN = """\
name: chain
nodes: {r1: router, r2: router, r3: router, r4: router, c1: client, s1: server, s2: server,
  h1: server}
links: [[c1, r1], [r1, r2], [r2, r3], [r3, r4], [s1, r4], [s2, r1], [h1, r1], [h1, r4]]
lans: {lan1: {nodes: [r2, r4]}}
anycast: {A: {members: [s1, s2]}}
"""
CUT = NetworkState(cut=frozenset({"r3--r4"}))
DEAD = NetworkState(dead=frozenset({"s1"}))
COST = NetworkState(costs=MappingProxyType({("r1", "r2"): 9}))


@pytest.mark.parametrize(
    ("before", "now", "hops"),
    [
        (INTACT, DEAD, {"r4": 0, "r3": 1, "r2": 1, "h1": 1, "r1": 2, "c1": 3, "s2": 3}),
        (DEAD, INTACT, {"s1": 0, "r4": 0, "r3": 1, "r2": 1, "h1": 1, "r1": 2, "c1": 3, "s2": 3}),
        (INTACT, CUT, {"r3": 0, "r4": 0, "r2": 1, "s1": 1, "h1": 1, "r1": 2, "c1": 3, "s2": 3}),
        (
            INTACT,
            NetworkState(withdrawn=frozenset({("A", "s2")})),
            {"s2": 0, "r1": 1, "r2": 2, "c1": 2, "h1": 2, "r3": 3, "r4": 3, "s1": 4},
        ),
        (INTACT, COST, {"r1": 0, "r2": 0, "c1": 1, "s2": 1, "h1": 1, "r3": 1, "r4": 1, "s1": 2}),
        (
            INTACT,
            NetworkState(cut=frozenset({"lan1:r4"})),
            {"r2": 0, "r4": 0, "r1": 1, "r3": 1, "s1": 1, "h1": 1, "c1": 2, "s2": 2},
        ),
        (COST, COST, {}),
    ],
)
def test_it_goes_outward_from_those_beside_and_no_host_passes_it_on(
    before: NetworkState, now: NetworkState, hops: dict[str, int]
) -> None:
    flood = Flood(Wiring(load_text(CHAIN, "chain.yaml").network))
    assert flood.hops(before, now, now) == hops


def test_it_goes_only_as_far_as_the_network_is_there() -> None:
    flood = Flood(Wiring(load_text(CHAIN, "chain.yaml").network))
    apart = NetworkState(dead=frozenset({"s1"}), cut=frozenset({"r1--r2"}))
    assert flood.hops(INTACT, DEAD, apart) == {"r4": 0, "r3": 1, "r2": 1, "h1": 1}


def test_whoever_has_heard_everything_in_whatever_order_knows_how_things_are() -> None:
    states = [
        INTACT,
        DEAD,
        NetworkState(dead=frozenset({"s1", "r2"}), cut=CUT.cut, costs=COST.costs),
        NetworkState(dead=frozenset({"r2"}), withdrawn=frozenset({("A", "s1")})),
        NetworkState(cut=CUT.cut, costs=MappingProxyType({("r1", "r2"): 7})),
    ]
    told: list[News] = []
    for number, (before, now) in enumerate(pairwise(states), 1):
        changes = difference(before, now)
        told.append({part: (number, value) for part, value in changes.items()})
    for order in permutations(told):
        known: News = {}
        for news in order:
            hear(known, news)
        assert after(known) == states[-1]
    without_the_last: News = {}
    for news in told[:-1]:
        hear(without_the_last, news)
    assert after(without_the_last) == states[-2]
