"""A member that has withdrawn is alive, and no route leads to it."""

from __future__ import annotations

from dataclasses import replace

from anycastlab.routing.catchment import predict
from anycastlab.routing.forwarder import Forwarder
from anycastlab.routing.forwarding import forwarding
from anycastlab.routing.state import INTACT, NetworkState
from anycastlab.topology.load import load_text
from anycastlab.topology.network import Network

TWO_GROUPS = """\
name: two
nodes: {r1: router, r2: router, c1: client, s1: server, s2: server}
links: [[c1, r1], [r1, r2], [s1, r1], [s2, r2]]
anycast:
  A: {members: [s1, s2]}
  B: {members: [s1, s2]}
"""
GONE = NetworkState(withdrawn=frozenset({("A", "s1")}))


def network() -> Network:
    return load_text(TWO_GROUPS, "two.yaml").network


def test_it_is_no_instance_of_that_group_and_stays_one_of_others() -> None:
    assert predict(network(), GONE) == {("c1", "A"): ("s2",), ("c1", "B"): ("s1",)}
    assert predict(network()) == {("c1", "A"): ("s1",), ("c1", "B"): ("s1",)}


def test_the_last_member_leaves_nobody() -> None:
    both = replace(GONE, withdrawn=GONE.withdrawn | {("A", "s2")})
    assert predict(network(), both)["c1", "A"] == ()


def test_tables_brought_up_to_date_are_those_made_afresh() -> None:
    forwarder = Forwarder(network())
    before = {name: dict(table) for name, table in forwarder.tables.items()}
    for state in (GONE, replace(GONE, dead=frozenset({"s2"})), INTACT):
        forwarder.update(state)
        assert forwarder.tables == forwarding(network(), state)
    assert forwarder.tables == before
    assert forwarding(network(), GONE) != before
