"""The prediction of each protocol: by its own metric, as far as it carries routes."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from anycastlab.routing.metrics import as_seen, beyond_horizon, predict_as_seen
from anycastlab.routing.state import INTACT, NetworkState
from anycastlab.topology.network import Network

from .harness import network_of

FORK = """\
name: fork
nodes: {r1: router, r2: router, r3: router, r4: router, c1: client, s1: server, s2: server}
links:
  - [c1, r1]
  - {endpoints: [r1, r2], cost: 10}
  - [r1, r3]
  - [r3, r4]
  - [s1, r4]
  - [s2, r2]
lans: {lan: {nodes: [r2, r4], cost: 500}}
anycast: {A: {members: [s1, s2]}}
"""


def chain(routers: int) -> str:
    """A client, so many routers in a row, a server."""
    names = [f"r{number}" for number in range(1, routers + 1)]
    hops = list(zip(["c1", *names], [*names, "s1"], strict=True))
    links = ", ".join(f"[{a}, {b}]" for a, b in hops)
    nodes = ", ".join([*(f"{name}: router" for name in names), "c1: client", "s1: server"])
    return f"name: chain\nnodes: {{{nodes}}}\nlinks: [{links}]\nanycast: {{A: {{members: [s1]}}}}\n"


def served(network: Network, state: NetworkState = INTACT) -> tuple[str, ...]:
    return predict_as_seen(network, state)["c1", "A"]


@pytest.mark.parametrize(
    ("daemon", "protocol", "instance"),
    [
        ("bird", "bgp", "s2"),
        ("bird", "rip", "s2"),
        ("bird", None, "s2"),
        ("bird", "ospf", "s1"),
        ("bird", "babel", "s1"),
        ("kernel", None, "s1"),
    ],
)
def test_bgp_and_rip_count_hops_and_the_others_add_up_costs(
    daemon: str, protocol: str | None, instance: str
) -> None:
    assert served(network_of(FORK, daemon=daemon, protocol=protocol)) == (instance,)


@pytest.mark.parametrize(("protocol", "moves"), [("rip", False), ("ospf", True)])
def test_a_changed_cost_means_something_to_those_that_see_it(protocol: str, moves: bool) -> None:
    network = network_of(FORK, daemon="bird", protocol=protocol)
    cheaper = NetworkState(costs=MappingProxyType({("r1", "r2"): 1, ("r3", "r4"): 99}))
    assert (served(network, cheaper) != served(network)) == moves


def test_death_and_cuts_mean_something_to_all() -> None:
    network = network_of(FORK, daemon="bird", protocol="bgp")
    assert served(network, NetworkState(dead=frozenset({"s2"}))) == ("s1",)
    assert served(network, NetworkState(cut=frozenset({"r2--s2", "s2--r2"}))) == ("s1",)


def test_the_network_is_left_as_it_is() -> None:
    network = network_of(FORK, daemon="bird", protocol="rip")
    seen, _ = as_seen(network)
    assert {link.cost for link in seen.links} == {1} == {lan.cost for lan in seen.lans}
    assert {link.cost for link in network.links} == {1, 10}


@pytest.mark.parametrize(
    ("protocol", "routers", "heard"),
    [("rip", 14, True), ("rip", 15, False), ("bgp", 15, True), ("ospf", 15, True)],
)
def test_rip_carries_no_route_over_sixteen_hops(protocol: str, routers: int, heard: bool) -> None:
    network = network_of(chain(routers), daemon="bird", protocol=protocol)
    assert served(network) == (("s1",) if heard else ())


def test_only_the_routers_beyond_the_horizon_are_without_a_route() -> None:
    network = network_of(chain(16), daemon="bird", protocol="rip")
    service = network.groups["A"].addresses[0].packed
    without = {
        name
        for name, prefixes in beyond_horizon(network).items()
        if service in {address for address, _ in prefixes}
    }
    assert without == {"r1", "r2"}


def test_infinity_is_far_for_babel_too() -> None:
    far = chain(3).replace("[r1, r2]", "{endpoints: [r1, r2], cost: 40000}")
    network = network_of(far, daemon="bird", protocol="babel")
    assert served(network) == ("s1",)
    farther = far.replace("[r2, r3]", "{endpoints: [r2, r3], cost: 40000}")
    assert served(network_of(farther, daemon="bird", protocol="babel")) == ()
    assert served(network_of(farther, daemon="bird", protocol="ospf")) == ("s1",)
