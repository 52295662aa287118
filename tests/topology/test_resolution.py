"""The resolved network of whole files."""

from __future__ import annotations

import subprocess
import sys

import pytest

from anycastlab.topology.network import Check, Component, Impairment, Member
from anycastlab.topology.resolve import FIRST_INDEX, MOST_NODES_WITH_FULL_TABLES

from .texts import EVERYTHING, loaded


def test_nodes_have_their_role_addresses_interfaces_and_components() -> None:
    nodes = loaded(EVERYTHING).network.nodes
    assert list(nodes) == ["r1", "r2", "c1", "s1", "s2"]
    assert [(str(node.ipv4), str(node.ipv6)) for node in nodes.values()] == [
        ("10.255.0.1", "2001:db8::1"),
        ("10.0.0.2", "2001:db8::2"),
        ("10.255.0.3", "2001:db8::3"),
        ("10.255.0.4", "2001:db8::4"),
        ("10.0.0.9", "2001:db8:99::9"),
    ]
    assert nodes["s1"].run == (
        Component("http"),
        Component("dns", {"port": 53}),
        Component("ntp"),
    )
    assert [port.name for port in nodes["r1"].interfaces] == [
        "to-c1",
        "to-r2",
        "to-s1",
        "lan1",
        "lan2",
    ]


def test_links_have_costs_impairments_and_addresses() -> None:
    links = {link.name: link for link in loaded(EVERYTHING).network.links}
    assert list(links) == ["c1--r1", "r1--r2", "s1--r1", "s2--r2"]
    assert [(link.cost, link.cost_back) for link in links.values()] == [
        (1, 1),
        (10, 20),
        (3, 3),
        (1, 1),
    ]
    assert links["r1--r2"].impairment == Impairment(0.005, 0.0005, 0.01, 10_000_000)
    assert not links["c1--r1"].impairment
    ends = [(str(link.a.ipv4), str(link.b.ipv4)) for link in links.values()]
    assert ends == [
        ("172.16.0.0/31", "172.16.0.1/31"),
        ("172.16.0.2/31", "172.16.0.3/31"),
        ("10.8.0.1/30", "10.8.0.2/30"),
        ("10.8.1.0/31", "10.8.1.1/31"),
    ]
    assert str(links["s2--r2"].b.ipv6) == "2001:db8:88::2/64"


def test_interfaces_have_their_segment_and_an_index_of_their_own() -> None:
    network = loaded(EVERYTHING).network
    ends = [end for link in network.links for end in (link.a, link.b)]
    ports = [port for lan in network.lans for port in lan.ports]
    assert [end.index for end in (*ends, *ports)] == list(
        range(FIRST_INDEX, FIRST_INDEX + len(ends) + len(ports))
    )
    assert {(end.segment, end.node) for end in ends[:2]} == {("c1--r1", "c1"), ("c1--r1", "r1")}
    assert [(port.segment, port.node) for port in ports][:2] == [("lan1", "r1"), ("lan1", "s1")]
    by_node = [end for node in network.nodes.values() for end in node.interfaces]
    assert sorted(by_node, key=lambda end: end.index) == [*ends, *ports]


def test_lans_have_subnets_ports_and_costs() -> None:
    lan1, lan2 = loaded(EVERYTHING).network.lans
    assert (str(lan1.ipv4), str(lan1.ipv6), lan1.cost) == (
        "10.9.0.0/24",
        "2001:db8:2:1::/64",
        5,
    )
    assert [str(port.ipv4) for port in lan2.ports] == [
        "10.254.1.1/24",
        "10.254.1.2/24",
        "10.254.1.3/24",
    ]


def test_groups_keep_how_each_member_announces_and_its_options() -> None:
    groups = loaded(EVERYTHING).network.groups
    assert groups["A"].instances == ("s1", "s2")
    check = Check("tcp", 4786)
    assert groups["B"].members == (
        Member("s1", "bgp", {"prepend": 2}),
        Member("r2", check=check),
    )
    assert [str(address) for address in groups["B"].addresses] == ["198.18.0.1", "2001:db8:a::1"]


def test_routing_keeps_the_daemons_options() -> None:
    routing = loaded(EVERYTHING).network.routing
    assert (routing.daemon, routing.protocol, routing.tables) == ("bird", "ospf", "full")
    assert dict(routing.options) == {"area": 0}


@pytest.mark.parametrize(
    ("nodes", "routing", "tables"),
    [
        (MOST_NODES_WITH_FULL_TABLES, "kernel", "full"),
        (MOST_NODES_WITH_FULL_TABLES + 1, "kernel", "compact"),
        (MOST_NODES_WITH_FULL_TABLES + 1, "{tables: full}", "full"),
        (1, "{tables: compact}", "compact"),
        (1, "{tables: auto, daemon: frr}", "full"),
    ],
)
def test_large_labs_have_compact_tables_unless_the_file_says_otherwise(
    nodes: int, routing: str, tables: str
) -> None:
    names = ", ".join(f"n{number}: router" for number in range(nodes))
    network = loaded(f"name: lab\nnodes: {{{names}}}\nrouting: {routing}\n").network
    assert network.routing.tables == tables


def test_sections_with_nothing_in_them_are_as_good_as_none() -> None:
    empty = "links:\nlans:\nanycast:\nrouting:\nexperiment:\ndescription:\n"
    plain = "name: lab\nnodes: {r1: router}\n"
    assert loaded(plain + empty).network == loaded(plain).network
    assert loaded(plain + "links: []\n").network != loaded(plain.replace("r1", "r2")).network


def test_a_graph_in_two_pieces_and_a_lone_node_are_allowed() -> None:
    network = loaded(
        "name: lab\nnodes: {a: router, b: router, c: router, d: router, e: router}\n"
        "links: [[a, b], [c, d]]\n"
    ).network
    assert network.nodes["e"].interfaces == ()


@pytest.mark.parametrize("seed", ["1", "2"])
def test_the_same_file_gives_the_same_network_in_every_process(seed: str) -> None:
    program = (
        "import sys; from anycastlab.topology.load import load_text; "
        "print(load_text(sys.stdin.read(), 'lab.yaml').network)"
    )
    output = subprocess.run(
        [sys.executable, "-c", program],
        input=EVERYTHING,
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": seed},
    ).stdout
    assert output == f"{loaded(EVERYTHING).network}\n"


def test_the_resolved_network_can_be_imported_without_yaml_and_pydantic() -> None:
    program = (
        "import sys, anycastlab.topology.network; "
        "assert not {'yaml', 'pydantic'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    with_them = program.replace("topology.network", "topology.load")
    assert subprocess.run([sys.executable, "-c", with_them], stderr=-3, check=False).returncode
