"""A node whose daemon has stopped: others find no way through it, and no instance there."""

from __future__ import annotations

import pytest

from anycastlab.routing.catchment import predict
from anycastlab.routing.forwarder import Forwarder
from anycastlab.routing.forwarding import forwarding
from anycastlab.routing.state import INTACT, NetworkState
from anycastlab.topology.load import load_text
from anycastlab.topology.network import Network

RING = """\
name: ring
nodes: {r1: router, r2: router, r3: router, r4: router, c1: client, c2: client, c3: client,
  s1: server, s2: server}
links: [[c1, r1], [c2, r2], [r1, r2], [r2, r3], [r3, r4], [r4, r1], [s1, r2], [s2, r4]]
lans: {lan1: {nodes: [r2, r3, c3]}}
anycast:
  A: {members: [s1, s2]}
  B: {members: [r2]}
"""


def network() -> Network:
    return load_text(RING, "ring.yaml").network


def mute(*names: str) -> NetworkState:
    return NetworkState(mute=frozenset(names))


@pytest.mark.parametrize(
    ("stopped", "group", "reached"),
    [
        ((), "A", {"c1": {"s1", "s2"}, "c2": {"s1"}, "c3": {"s1"}}),
        (("s1",), "A", {"c1": {"s2"}, "c2": {"s2"}, "c3": {"s2"}}),
        # r2 has no routes any more: its own client is lost, one with another router is not.
        (("r2",), "A", {"c1": {"s2"}, "c2": set(), "c3": {"s2"}}),
        # What r2 holds itself it serves to who sends to it all the same.
        (("r2",), "B", {"c1": set(), "c2": {"r2"}, "c3": set()}),
        (("s1", "s2"), "A", {"c1": set(), "c2": set(), "c3": set()}),
    ],
)
def test_who_is_reached(stopped: tuple[str, ...], group: str, reached: dict[str, set[str]]) -> None:
    predicted = predict(network(), mute(*stopped), group)
    assert {client: set(predicted[client, group]) for client in reached} == reached


def test_a_mute_server_keeps_its_default_route_and_a_mute_router_has_none() -> None:
    intact = forwarding(network())
    assert forwarding(network(), mute("s1"))["s1"] == intact["s1"]
    assert forwarding(network(), mute("r2"))["r2"] == {}
    assert intact["r2"]


def test_tables_brought_up_to_date_are_those_made_afresh() -> None:
    forwarder = Forwarder(network())
    before = {name: dict(table) for name, table in forwarder.tables.items()}
    for state in (mute("s1"), mute("s1", "r2"), mute("r2"), INTACT):
        forwarder.update(state)
        assert forwarder.tables == forwarding(network(), state)
    assert forwarder.tables == before
