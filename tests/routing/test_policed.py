"""Tables where borders aggregate and filter, and predictions by the longest match in them."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anycastlab.routing.catchment import distances, predict
from anycastlab.routing.forwarder import Forwarder
from anycastlab.routing.forwarding import forwarding
from anycastlab.routing.policed import policed
from anycastlab.routing.state import NetworkState
from anycastlab.routing.table import DISCARD, Prefix, Table
from anycastlab.topology.load import load_text
from anycastlab.topology.network import Network

from .networks import networks, states

FILE = """\
name: file
nodes: {a: router, b: router, o: router, f: router, q: router,
  s: server, y: server, x: server, c: client, d: client}
links: [[s, a], [a, b], [b, o], [o, f], [f, q], [d, q], [c, o],
  {endpoints: [y, o], cost: 30}, {endpoints: [x, o], cost: 90}]
anycast:
  A: {addresses: [192.0.2.1, "2001:db8:a::1"], members: [s]}
  B: {addresses: [192.0.2.2, "2001:db8:a::2"], members: [s, y]}
  C: {addresses: [198.18.7.1, "2001:db8:c::1"], members: [y]}
  X: {addresses: [192.0.2.1, "2001:db8:a::1"], members: [x], registry: rogue}
routing:
  aggregate: [{at: b, prefix: [192.0.2.0/24, "2001:db8:a::/48"], towards: o}]
  filter: [{at: f, longest: {ipv4: 24, ipv6: 48}}]
"""
QUIET = NetworkState(withdrawn=frozenset({("X", "x")}))


@pytest.fixture(scope="module")
def network() -> Network:
    return load_text(FILE, "lab.yaml").network


def prefix(text: str) -> Prefix:
    found = ip_network(text)
    return Prefix(found.network_address.packed, found.prefixlen)


def known(tables: dict[str, Table], text: str) -> set[str]:
    """The routers that have a route to a prefix."""
    return {name for name in tables if len(name) == 1 and prefix(text) in tables[name]}


@pytest.mark.parametrize(
    ("one", "two", "three", "cover"),
    [
        ("192.0.2.1/32", "192.0.2.2/32", "198.18.7.1/32", "192.0.2.0/24"),
        ("2001:db8:a::1/128", "2001:db8:a::2/128", "2001:db8:c::1/128", "2001:db8:a::/48"),
    ],
)
def test_a_prefix_is_known_where_it_is_told_and_accepted(
    network: Network, one: str, two: str, three: str, cover: str
) -> None:
    tables = forwarding(network, QUIET)
    assert known(tables, one) == {"a", "b"}, "hidden outside"
    assert known(tables, two) == {"a", "b", "o"}, "a member outside is heard outside and in"
    assert known(tables, three) == {"a", "b", "o"}, "but not accepted by the filter"
    assert known(tables, cover) == {"b", "o", "f", "q"}, "told to nobody inside"
    assert tables["b"][prefix(cover)] == DISCARD
    assert DISCARD not in {tables[name].get(prefix(cover)) for name in ("o", "f", "q")}


def test_what_is_no_service_is_known_to_all(network: Network) -> None:
    policy_free = Forwarder(network).tables
    services = {"192.0.2.", "198.18.", "2001:db8:a:", "2001:db8:c:"}
    for name, table in forwarding(network).items():
        for routes, others in ((table, policy_free[name]), (policy_free[name], table)):
            for key in routes.keys() - others.keys():
                shown = str(ip_network((key.address, key.length)))
                assert any(shown.startswith(service) for service in services)


def test_the_longest_match_wins_however_far_it_leads(network: Network) -> None:
    quiet = predict(network, QUIET)
    assert (quiet["c", "A"], quiet["d", "A"]) == (("s",), ("s",))
    assert (quiet["c", "B"], quiet["d", "B"]) == (("y",), ("y",)), "though s is nearer"
    assert (quiet["c", "C"], quiet["d", "C"]) == (("y",), ())
    assert distances(network, QUIET)["c", "A"] == 4
    assert distances(network, QUIET)["d", "C"] is None
    leaked = predict(network)
    assert (leaked["c", "A"], leaked["d", "A"]) == (("x",), ("x",))
    assert leaked["c", "B"] == ("y",)


def test_a_covering_prefix_stays_when_what_is_behind_it_is_dead(network: Network) -> None:
    dead = NetworkState(dead=frozenset({"s"}), withdrawn=QUIET.withdrawn)
    assert known(forwarding(network, dead), "192.0.2.0/24") == {"b", "o", "f", "q"}
    assert predict(network, dead)["c", "A"] == ()
    gone = NetworkState(dead=frozenset({"b"}), withdrawn=QUIET.withdrawn)
    assert known(forwarding(network, gone), "192.0.2.0/24") == set()


def test_two_borders_announce_one_prefix_and_the_nearest_is_used() -> None:
    text = FILE.replace("towards: o}]", "towards: o}, {at: q, prefix: 192.0.2.0/24, towards: f}]")
    tables = forwarding(load_text(text, "lab.yaml").network, QUIET)
    assert tables["q"][prefix("192.0.2.0/24")] == DISCARD
    peers = {
        port.index: port.name
        for node in load_text(text, "lab.yaml").network.nodes.values()
        for port in node.interfaces
    }
    assert {peers[hop.interface] for hop in tables["f"][prefix("192.0.2.0/24")]} == {"to-q"}
    assert {peers[hop.interface] for hop in tables["o"][prefix("192.0.2.0/24")]} == {"to-b"}


@settings(max_examples=25)
@given(st.data())
def test_without_policies_the_tables_are_those_of_the_forwarder(data: st.DataObject) -> None:
    network = data.draw(networks())
    state = data.draw(states(network))
    assert policed(network, state) == Forwarder(network, state).tables
