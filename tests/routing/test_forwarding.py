"""Forwarding tables, by hand and against networkx."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anycastlab.routing.catchment import predict
from anycastlab.routing.forwarding import forwarding
from anycastlab.routing.state import NetworkState
from anycastlab.routing.table import Hop, Prefix
from anycastlab.topology.network import Network

from .networks import build, compact, networks, states
from .reference import digraph, next_hops
from .walk import arrivals, lookup

FIGURE1 = build(
    [("c1", "r1"), ("c2", "r2"), ("s1", "r1"), ("s2", "r2"), ("r1", "r2", 10)],
    {"A": ["s1", "s2"]},
)
DIAMOND = build(
    [("c", "r"), ("r", "r1"), ("r", "r2"), ("r1", "s1"), ("r2", "s2"), ("r1", "r2", 5)],
    {"A": ["s1", "s2"]},
)


def prefix(text: str) -> Prefix:
    """Return the prefix as tables have it."""
    network = ip_network(text)
    return Prefix(network.network_address.packed, network.prefixlen)


def via(network: Network, node: str, *peers: str, family: int = 4) -> tuple[Hop, ...]:
    """Return the hops from a node over its links to these peers, in that order."""
    hops = []
    for peer in peers:
        for link in network.links:
            for own, other in ((link.a, link.b), (link.b, link.a)):
                if (own.node, other.node) == (node, peer):
                    address = other.ipv4 if family == 4 else other.ipv6
                    hops.append(Hop(own.index, address.packed))
    return tuple(hops)


def test_each_router_sends_a_service_address_towards_its_nearest_member() -> None:
    tables = forwarding(FIGURE1)
    service = prefix("192.0.2.1/32")
    assert tables["r1"][service] == via(FIGURE1, "r1", "s1")
    assert tables["r2"][service] == via(FIGURE1, "r2", "s2")
    dead = forwarding(FIGURE1, NetworkState(dead=frozenset({"s1"})))
    assert dead["r1"][service] == via(FIGURE1, "r1", "r2")


def test_ipv6_routes_lead_the_same_way() -> None:
    tables = forwarding(FIGURE1)
    assert tables["r1"][prefix("2001:db8:a::1/128")] == via(FIGURE1, "r1", "s1", family=6)
    assert tables["c1"][prefix("::/0")] == via(FIGURE1, "c1", "r1", family=6)


def test_equal_costs_give_several_hops_in_the_order_of_interfaces() -> None:
    service = prefix("192.0.2.1/32")
    assert forwarding(DIAMOND)["r"][service] == via(DIAMOND, "r", "r1", "r2")
    dearer = NetworkState(costs={("r", "r1"): 2})
    assert forwarding(DIAMOND, dearer)["r"][service] == via(DIAMOND, "r", "r2")


def test_a_node_has_no_route_for_what_is_its_own_or_connected() -> None:
    tables = forwarding(FIGURE1)
    r1, c1r1, s2r2 = FIGURE1.nodes["r1"], FIGURE1.links[0], FIGURE1.links[3]
    assert prefix(f"{r1.ipv4}/32") not in tables["r1"]
    assert prefix(str(c1r1.a.ipv4.network)) not in tables["r1"]
    assert prefix("192.0.2.1/32") not in tables["s1"]
    assert prefix(f"{r1.ipv4}/32") in tables["r2"]
    assert prefix(str(s2r2.a.ipv4.network)) in tables["r1"]


def test_a_host_on_one_link_has_a_default_route_alone() -> None:
    hop = via(FIGURE1, "c1", "r1")
    hop6 = via(FIGURE1, "c1", "r1", family=6)
    expected = {prefix("0.0.0.0/0"): hop, prefix("::/0"): hop6}
    assert forwarding(FIGURE1)["c1"] == expected
    assert forwarding(FIGURE1, NetworkState(cut=frozenset({"c1-r1"})))["c1"] == {}


def test_a_host_on_two_links_has_a_full_table_until_one_is_left() -> None:
    network = build([("c", "r1"), ("c", "r2"), ("r1", "r2"), ("r2", "s")], {"A": ["s"]})
    default = prefix("0.0.0.0/0")
    assert default not in forwarding(network)["c"]
    assert forwarding(network)["c"][prefix("192.0.2.1/32")] == via(network, "c", "r2")
    cut = forwarding(network, NetworkState(cut=frozenset({"c-r2"})))["c"]
    assert set(cut) == {default, prefix("::/0")}
    assert cut[default] == via(network, "c", "r1")


def test_a_host_on_a_lan_with_one_router_reaches_its_neighbours_directly() -> None:
    network = build(
        [("r1", "s2")], {"A": ["s1"], "B": ["s2"]}, lans={"lan": (1, ["r1", "c1", "s1"])}
    )
    ports = {port.node: port for port in network.lans[0].ports}
    table = forwarding(network)["c1"]
    router = (Hop(ports["c1"].index, ports["r1"].ipv4.packed),)
    server = (Hop(ports["c1"].index, ports["s1"].ipv4.packed),)
    s1 = network.nodes["s1"].ipv4
    assert {key: hops for key, hops in table.items() if len(key.address) == 4} == {
        prefix("0.0.0.0/0"): router,
        prefix("192.0.2.1/32"): server,
        prefix(f"{s1}/32"): server,
    }


def test_a_host_on_a_lan_with_two_routers_has_a_full_table() -> None:
    network = build([("r2", "s")], {"A": ["s"]}, lans={"lan": (1, ["r1", "c", "r2"])})
    table = forwarding(network)["c"]
    ports = {port.node: port for port in network.lans[0].ports}
    assert prefix("0.0.0.0/0") not in table
    assert table[prefix("192.0.2.1/32")] == (Hop(ports["c"].index, ports["r2"].ipv4.packed),)
    assert prefix(str(network.lans[0].ipv4)) not in table


def test_a_host_on_two_links_reaches_both_by_itself() -> None:
    network = build([("s", "r1", 1), ("s", "r2", 9), ("r1", "r2")], {"A": ["s"]})
    for link in network.links[:2]:
        assert prefix(str(link.a.ipv4.network)) not in forwarding(network)["s"]
    assert prefix(str(network.links[2].a.ipv4.network)) in forwarding(network)["s"]


def test_a_cut_links_prefix_is_nowhere() -> None:
    square = build([("r1", "r2"), ("r2", "r3"), ("r3", "r4"), ("r4", "r1")])
    link = prefix(str(square.links[0].a.ipv4.network))
    assert link in forwarding(square)["r3"]
    cut = forwarding(square, NetworkState(cut=frozenset({"r1-r2"})))
    assert not any(link in table for table in cut.values())


def test_a_link_to_a_host_is_reached_over_its_router() -> None:
    network = build([("c", "r1"), ("c", "r2"), ("r1", "r2", 3)])
    link = prefix(str(network.links[0].a.ipv4.network))
    assert forwarding(network)["r2"][link] == via(network, "r2", "r1")


def test_equal_sets_of_hops_are_one_object() -> None:
    table = forwarding(FIGURE1)["r1"]
    assert len({id(hops) for hops in table.values()}) == len(set(table.values()))


def test_service_addresses_come_first_then_loopbacks_then_links() -> None:
    lengths = [key.length for key in forwarding(FIGURE1)["r1"] if len(key.address) == 4]
    assert next(iter(forwarding(FIGURE1)["r1"])) == prefix("192.0.2.1/32")
    assert lengths == sorted(lengths, reverse=True)


@given(st.data())
def test_tables_hold_exactly_the_shortest_paths_of_networkx(data: st.DataObject) -> None:
    network = data.draw(networks())
    state = data.draw(states(network))
    graph = digraph(network, state)
    tables = forwarding(network, state)
    assert set(tables) == set(graph)
    indexes = {
        (hop_index, peer.ipv4.packed): (hop_index, peer.index)
        for node in network.nodes.values()
        for peer in node.interfaces
        for hop_index in (i.index for n in network.nodes.values() for i in n.interfaces)
    }
    for place, targets in destinations(network, state, graph).items():
        for node, table in tables.items():
            beside = place in connected(network, node)
            expected = [] if beside else next_hops(network, graph, node, targets)
            default = table.get(prefix("0.0.0.0/0"))
            found = lookup(table, place.address) if default else table.get(place, ())
            if found == default and not expected:
                continue
            assert [indexes[hop] for hop in found] == sorted(expected)


def connected(network: Network, node: str) -> set[Prefix]:
    """Return the IPv4 prefixes of the links and LANs a host is on; of a router none is looked at,
    since it is a place where they are reached."""
    here = network.nodes[node]
    interfaces = () if here.forwards else here.interfaces
    return {prefix(str(interface.ipv4.network)) for interface in interfaces}


def destinations(network: Network, state: NetworkState, graph: object) -> dict[Prefix, set[str]]:
    """Return where each IPv4 prefix is reached: living members, nodes, forwarding ends."""
    living = {name for name in network.nodes if name not in state.dead}
    places = {
        prefix(f"{address}/32"): set(group.instances) & living
        for group in network.groups.values()
        for address in group.addresses
        if address.version == 4
    }
    places |= {prefix(f"{network.nodes[name].ipv4}/32"): {name} for name in living}
    for link in network.links:
        if link.name not in state.cut and {link.a.node, link.b.node} <= living:
            places[prefix(str(link.a.ipv4.network))] = forwarding_ones(
                network, {link.a.node, link.b.node}
            )
    for lan in network.lans:
        ports = {
            port.node
            for port in lan.ports
            if port.node in living and f"{lan.name}:{port.node}" not in state.cut
        }
        places[prefix(str(lan.ipv4))] = forwarding_ones(network, ports)
    return places


def forwarding_ones(network: Network, names: set[str]) -> set[str]:
    """Return the routers among them, or all when there are none."""
    return {name for name in names if network.nodes[name].role == "router"} or names


@given(st.data())
def test_both_families_are_congruent(data: st.DataObject) -> None:
    network = data.draw(networks())
    for table in forwarding(network, data.draw(states(network))).values():
        ipv4, ipv6 = (
            [
                [hop.interface for hop in hops]
                for key, hops in table.items()
                if len(key.address) == size
            ]
            for size in (4, 16)
        )
        assert ipv4 == ipv6


@pytest.mark.parametrize("make", [build, compact], ids=["full", "compact"])
@given(data=st.data())
def test_walking_the_tables_ends_in_the_predicted_instances_and_never_loops(
    make: object, data: st.DataObject
) -> None:
    network = data.draw(networks())
    network = compact(network) if make is compact else network
    state = data.draw(states(network))
    tables = forwarding(network, state)
    for (client, name), instances in predict(network, state).items():
        if client in state.dead:
            continue
        members = {m for m in network.groups[name].instances if m not in state.dead}
        for address in network.groups[name].addresses:
            ends = arrivals(network, tables, client, address, members)
            assert ends & members == set(instances)
            assert ends <= members or not instances


@given(st.data())
def test_compact_tables_send_every_loopback_the_same_way_as_full_ones(data: st.DataObject) -> None:
    network = data.draw(networks())
    state = data.draw(states(network))
    full, small = forwarding(network, state), forwarding(compact(network), state)
    for node, table in full.items():
        for other in network.nodes.values():
            for address in (other.ipv4, other.ipv6):
                expected = lookup(table, address.packed)
                if expected:
                    assert lookup(small[node], address.packed) == expected
                else:
                    arrivals(network, small, node, address, {other.name})


def test_a_loopback_that_was_given_outside_the_block_has_a_host_route() -> None:
    links = [(f"r{i}", f"r{i + 1}") for i in range(8)]
    network = compact(build(links, loopbacks={"r3": ("10.99.0.1", "fd00:99::1")}))
    table = forwarding(network)["r0"]
    assert prefix("10.99.0.1/32") in table
    assert prefix(f"{ip_address('10.255.0.1')}/32") not in table
    assert lookup(table, ip_address("10.99.0.1").packed) == via(network, "r0", "r1")
