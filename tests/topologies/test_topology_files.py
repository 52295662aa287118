"""The files in ``topologies/``: each loads, teaches what it says, and is the network it claims."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import networkx as nx
import pytest

from anycastlab.experiments.script import check
from anycastlab.routing.catchment import predict
from anycastlab.routing.state import NetworkState
from anycastlab.topology.load import Document, load
from anycastlab.topology.network import Network

TOPOLOGIES = Path(__file__).parents[2] / "topologies"
FILES = sorted(TOPOLOGIES.glob("*.yaml"))
NOBODYS = ("192.0.2.", "198.18.", "198.19.", "10.", "240.", "2001:db8:")
"""For documentation, for benchmarks, private, reserved: RFC 5737, 2544, 1918, 1112, 3849."""
EARTH_RADIUS_KM = 6371.0


class Real(NamedTuple):
    """What the head of a real network's file promises."""

    cities: int
    junctions: int
    links: int
    sites: str


REAL = {
    "abilene": Real(11, 0, 14, "atlanta chicago los-angeles sunnyvale washington-dc"),
    "geant": Real(40, 0, 61, "amsterdam athens budapest frankfurt london milan poznan reykjavik"),
    "cogent": Real(
        186,
        11,
        243,
        "bratislava chicago frankfurt herndon los-angeles madrid new-york paris queretaro",
    ),
}
SMALL = {"asymmetric", "diamond", "figure1", "line", "overlapping-groups", "ring"}


def document(name: str) -> Document:
    return load(TOPOLOGIES / f"{name}.yaml", also=[check])


# What the experiments expect, against the prediction


class Walk:
    """The state of a network as an experiment goes along, without a lab."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.dead: set[str] = set()
        self.cut: set[str] = set()
        self.costs: dict[tuple[str, str], int] = {}

    def predicted(self) -> Mapping[tuple[str, str], tuple[str, ...]]:
        state = NetworkState(
            frozenset(self.dead), frozenset(self.cut), MappingProxyType(self.costs)
        )
        return predict(self.network, state)

    def link(self, ends: list[str]) -> str:
        return next(
            link.name for link in self.network.links if {link.a.node, link.b.node} == set(ends)
        )

    def strike(self, verb: str, argument: Any) -> None:
        match verb:
            case "kill":
                self.dead.add(argument)
            case "revive":
                self.dead.remove(argument)
            case "cut":
                self.cut.add(self.link(argument))
            case "mend":
                self.cut.remove(self.link(argument))
            case "set-cost":
                here, there = argument["link"]
                costs = argument["cost"]
                both = costs if isinstance(costs, list) else [costs, costs]
                self.costs[here, there], self.costs[there, here] = both


def as_set(value: Any) -> set[str]:
    if value == "none":
        return set()
    return set(value) if isinstance(value, list) else {value}


def expectations(verb: str, argument: Any) -> Iterator[tuple[tuple[str, str], set[str]]]:
    """Yield (client, group) and the instances that the step expects; nothing for "predicted"."""
    if verb == "expect" and "instance" in argument:
        for client in as_set(argument["from"]):
            yield (client, argument["to"]), as_set(argument["instance"])
    if verb == "catchment" and argument["is"] != "predicted":
        for client, instances in argument["is"].items():
            yield (client, argument["group"]), as_set(instances)


def mistakes(loaded: Document) -> list[str]:
    """Return every expectation of the experiment that the prediction contradicts."""
    walk, found = Walk(loaded.network), []
    for step in loaded.topology.experiment:
        for verb, argument in step.items():
            walk.strike(verb, argument)
            wanted = list(expectations(verb, argument))
            predicted = walk.predicted() if wanted else {}
            found += [
                f"{place}: {instances} expected, {predicted[place]} predicted"
                for place, instances in wanted
                if instances != set(predicted[place])
            ]
    return found + [f"left broken: {name}" for name in sorted(walk.dead | walk.cut)]


def test_the_directory_holds_the_files_it_should() -> None:
    assert {path.stem for path in FILES} >= SMALL | set(REAL)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_loads_with_its_experiment_and_bears_its_labs_name(path: Path) -> None:
    loaded = load(path, also=[check])
    assert loaded.network.name == path.stem
    assert loaded.network.description
    assert loaded.topology.experiment


@pytest.mark.parametrize("name", sorted(SMALL | set(REAL)))
def test_every_expectation_agrees_with_the_prediction_and_all_is_mended_at_the_end(
    name: str,
) -> None:
    assert mistakes(document(name)) == []


def test_a_wrong_expectation_is_found(tmp_path: Path) -> None:
    text = (TOPOLOGIES / "line.yaml").read_text()
    wrong = tmp_path / "line.yaml"
    wrong.write_text(text.replace("{c1: s1, c2: s1, c3: s2, c4: s2}", "{c2: s2}", 1))
    assert mistakes(load(wrong)) == ["('c2', 'A'): {'s2'} expected, ('s1',) predicted"]


def test_the_diamond_has_a_tie_and_the_others_have_none() -> None:
    tied = {
        name
        for name in SMALL
        if any(len(near) > 1 for near in predict(document(name).network).values())
    }
    assert tied == {"diamond"}


def test_the_overlapping_groups_share_one_server() -> None:
    groups = document("overlapping-groups").network.groups
    assert set(groups["A"].instances) & set(groups["B"].instances) == {"s2"}


def test_request_and_reply_differ_in_the_asymmetric_network() -> None:
    network = document("asymmetric").network
    graph = nx.DiGraph()
    for link in network.links:
        graph.add_edge(link.a.node, link.b.node, weight=link.cost)
        graph.add_edge(link.b.node, link.a.node, weight=link.cost_back)
    assert nx.shortest_path(graph, "c1", "s1", "weight") == ["c1", "r1", "r2", "r4", "s1"]
    assert nx.shortest_path(graph, "s1", "c1", "weight") == ["s1", "r4", "r3", "r1", "c1"]


# The real networks


def backbone(network: Network) -> nx.Graph:
    routers = set(network.role("router"))
    ends = [(link.a.node, link.b.node) for link in network.links]
    return nx.Graph([pair for pair in ends if routers.issuperset(pair)])


def positions(text: str) -> dict[str, tuple[float, float]]:
    """Return the latitude and longitude that the comment beside each router gives."""
    found = re.findall(r"^  ([a-z0-9-]+): router +# (-?[\d.]+) (-?[\d.]+)", text, re.MULTILINE)
    return {name: (float(north), float(east)) for name, north, east in found}


def kilometres(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Return the great-circle distance by the angle between two unit vectors."""

    def vector(place: tuple[float, float]) -> tuple[float, float, float]:
        north, east = map(math.radians, place)
        return math.cos(north) * math.cos(east), math.cos(north) * math.sin(east), math.sin(north)

    chord = math.dist(vector(a), vector(b))
    return 2 * EARTH_RADIUS_KM * math.asin(chord / 2)


def wrong_lengths(network: Network, where: Mapping[str, tuple[float, float]]) -> list[str]:
    """Return the links between routers whose cost is off their length by more than a rounding."""
    return [
        link.name
        for link in network.links
        if {link.a.node, link.b.node} <= where.keys()
        and not (
            link.cost == link.cost_back
            and abs(link.cost - kilometres(where[link.a.node], where[link.b.node])) <= 0.6
        )
    ]


@pytest.mark.parametrize("name", REAL)
def test_a_real_network_has_the_cities_and_links_its_source_has(name: str) -> None:
    graph, real = backbone(document(name).network), REAL[name]
    junctions = {router for router in graph if router.startswith("junction-")}
    assert len(graph) - len(junctions) == real.cities
    assert len(junctions) == real.junctions
    assert graph.number_of_edges() == real.links
    assert nx.is_connected(graph)


@pytest.mark.parametrize("name", REAL)
def test_a_real_network_has_a_server_at_each_site_and_a_client_at_every_other_city(
    name: str,
) -> None:
    network, sites = document(name).network, set(REAL[name].sites.split())
    (group,) = network.groups.values()
    cities = {router for router in network.role("router") if not router.startswith("junction-")}
    access = {(link.a.node, link.b.node): link for link in network.links}
    assert set(group.instances) == {f"s-{city}" for city in sites} == set(network.role("server"))
    assert set(network.role("client")) == {f"c-{city}" for city in cities - sites}
    for host in network.role("server") + network.role("client"):
        assert access[host, host[2:]].cost == 1


@pytest.mark.parametrize("name", REAL)
def test_a_real_networks_costs_are_great_circle_lengths(name: str) -> None:
    network = document(name).network
    where = positions((TOPOLOGIES / f"{name}.yaml").read_text())
    assert set(where) == set(network.role("router"))
    assert wrong_lengths(network, where) == []


def test_a_link_whose_cost_is_not_its_length_is_found() -> None:
    where = positions((TOPOLOGIES / "abilene.yaml").read_text())
    where["chicago"] = (41.85, -87.67)
    assert len(wrong_lengths(document("abilene").network, where)) == 2


def test_no_file_uses_an_address_of_a_real_service() -> None:
    for path in FILES:
        for group in load(path).network.groups.values():
            for address in map(str, group.addresses):
                assert address.startswith(NOBODYS)
