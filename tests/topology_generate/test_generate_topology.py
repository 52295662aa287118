"""Generated topology files: valid, of the size asked for, and of the shape."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anycastlab.errors import UsageError
from anycastlab.routing.catchment import predict
from anycastlab.topology.generate import SHAPES, generate
from anycastlab.topology.load import load_text
from anycastlab.topology.network import Network


def made(*arguments: object, **options: int) -> Network:
    """Return the network of a generated file."""
    return load_text(generate(*arguments, **options), "generated.yaml").network  # type: ignore[arg-type]


def routers_of(network: Network) -> nx.Graph:
    """Return the graph of the routers alone, with costs."""
    graph = nx.Graph()
    graph.add_nodes_from(network.role("router"))
    for link in network.links:
        if link.a.node in graph and link.b.node in graph:
            graph.add_edge(link.a.node, link.b.node, cost=link.cost)
    return graph


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(sorted(SHAPES)),
    st.integers(20, 120),
    st.integers(1, 5),
    st.integers(0, 10),
    st.integers(1, 4),
    st.integers(0, 3),
)
def test_every_shape_of_any_size_is_valid_connected_and_of_that_size(
    shape: str, nodes: int, members: int, clients: int, groups: int, seed: int
) -> None:
    network = made(shape, nodes, members, clients, groups=groups, seed=seed)
    roles = Counter(node.role for node in network.nodes.values())
    assert (
        roles
        == Counter(server=members, client=clients, router=nodes - members - clients) + Counter()
    )
    assert len(network.groups) == groups
    assert nx.is_connected(routers_of(network))
    assert all(predict(network).values())
    hosts = [node for node in network.nodes.values() if node.role != "router"]
    assert {len(node.interfaces) for node in hosts} == {1}


def test_defaults_are_a_member_to_50_nodes_and_a_client_to_10_but_two() -> None:
    for nodes, members, clients in ((200, 4, 20), (20, 2, 2), (5, 2, 2), (4, 2, 1), (3, 1, 1)):
        network = made("star", nodes)
        assert (len(network.role("server")), len(network.role("client"))) == (members, clients)
        assert len(network.nodes) == nodes


def test_the_shapes_are_what_they_are_called() -> None:
    sizes = {"members": 1, "clients": 1}
    assert nx.is_isomorphic(routers_of(made("ring", 12, **sizes)), nx.cycle_graph(10))
    assert nx.is_isomorphic(routers_of(made("line", 12, **sizes)), nx.path_graph(10))
    assert nx.is_isomorphic(routers_of(made("star", 12, **sizes)), nx.star_graph(9))
    assert nx.is_isomorphic(routers_of(made("grid", 14, **sizes)), nx.grid_2d_graph(3, 4))
    assert nx.is_isomorphic(routers_of(made("tree", 23, **sizes)), nx.balanced_tree(4, 2))
    assert not nx.is_tree(routers_of(made("random", 23, **sizes)))


def test_a_fat_tree_has_k_pods_and_hosts_on_edge_routers_alone() -> None:
    network = made("fattree", 20 + 4 + 16, 4, 16)
    routers = routers_of(network)
    degrees = Counter(degree for _, degree in routers.degree)
    assert degrees == {4: 4 + 8, 2: 8}
    edge = {link.b.node for link in network.links if link.a.node not in routers}
    assert all(routers.degree[router] == 2 for router in edge)
    assert len(edge) == 8


def test_spare_routers_of_a_fat_tree_are_edge_routers() -> None:
    routers = routers_of(made("fattree", 25, 1, 1))
    assert Counter(degree for _, degree in routers.degree)[2] == 8 + 3
    assert len(routers) == 23


def test_hosts_are_spread_evenly() -> None:
    network = made("ring", 40, 5, 15)
    hanging = Counter(link.b.node for link in network.links if link.a.node[0] == "c")
    assert set(hanging.values()) == {1}
    numbers = sorted(int(link.b.node[1:]) for link in network.links if link.a.node[0] == "s")
    assert {b - a for a, b in pairwise(numbers)} == {4}


def test_hosts_come_right_after_their_router() -> None:
    network = made("tree", 60)
    order = list(network.nodes)
    at = {link.a.node: link.b.node for link in network.links}
    for place, name in enumerate(order):
        if name[0] != "r":
            before = order[place - 1]
            assert before == at[name] or at[before] == at[name]


def test_random_costs_are_from_1_to_10_and_all_others_1() -> None:
    costs = nx.get_edge_attributes(routers_of(made("random", 100)), "cost").values()
    assert set(costs) == set(range(1, 11))
    assert {link.cost for link in made("grid", 50).links} == {1}


def test_all_members_are_in_one_group_and_about_half_in_each_of_several() -> None:
    (alone,) = made("ring", 60, 7, 3).groups.values()
    assert set(alone.instances) == {f"s{i}" for i in range(1, 8)}
    several = made("ring", 60, 7, 3, groups=30).groups
    assert {len(group.instances) for group in several.values()} == {4}
    assert len({group.instances for group in several.values()}) > 1
    assert {len(g.instances) for g in made("ring", 9, 1, 1, groups=2).groups.values()} == {1}


def test_the_seed_decides_and_nothing_else() -> None:
    assert generate("random", 50, seed=3) == generate("random", 50, seed=3)
    assert generate("random", 50, seed=3) != generate("random", 50, seed=4)


def test_the_header_is_the_command_that_makes_the_file() -> None:
    header, *_ = generate("ring", 40, groups=2, seed=7).splitlines()
    options = "--nodes 40 --members 2 --clients 4 --groups 2 --seed 7"
    assert header == f"# Made by: anycastlab generate ring {options}"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("rung", 10), "no shape 'rung'; did you mean 'ring'?"),
        (("ring", 4), "a ring with a member and a client needs at least 5 nodes, not 4"),
        (("tree", 6, 4, 2), "a tree with 4 members and 2 clients needs at least 7 nodes, not 6"),
        (("star", -1), "a star with a member and a client needs at least 3 nodes, not -1"),
        (
            ("fattree", 6, 1, 1),
            "a fat tree with 1 member and 1 client needs at least 7 nodes, not 6",
        ),
        (("ring", 10, 0), "members: 0 is too few; 1 is the least"),
        (("ring", 10, 2, -1), "clients: -1 is too few; 0 is the least"),
        (("ring", 10, 2, 2, 0), "groups: 0 is too few; 1 is the least"),
        (("line", 70000), "70000 nodes are too many; 65534 have addresses"),
    ],
)
def test_what_cannot_be_made_is_refused(arguments: tuple[str, int], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        generate(*arguments)
    assert str(caught.value) == message


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_the_least_a_message_names_can_be_made(shape: str) -> None:
    least = SHAPES[shape].least + 2
    assert len(made(shape, least).nodes) == least
    with pytest.raises(UsageError):
        generate(shape, least - 1)
