"""What is written for each daemon: BIRD's own parser takes it, and it says what it should."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import MappingProxyType

import pytest

from anycastlab.lab.planes import bird_config, frr_config
from anycastlab.lab.planes.speakers import FIRST_PRIVATE_AS, Speaker, Speakers
from anycastlab.lab.processes import find_program
from anycastlab.routing.state import INTACT, NetworkState
from anycastlab.topology.network import Network
from anycastlab.topology.routing_models import options_of

from .conftest import needs
from .harness import TWO_SITES, network_of

MANY_WAYS = """\
name: ways
nodes: {r1: router, r-2: router, r_3: router, c1: client, c2: client, s1: server, s2: server}
links:
  - [c1, r1]
  - {endpoints: [c2, r1], cost: [1, 9]}
  - {endpoints: [c2, r-2], cost: [1, 4]}
  - {endpoints: [r1, r-2], cost: [3, 7]}
  - [r-2, r_3]
  - [s1, r-2]
lans: {lan1: {nodes: [r1, r_3, s2, c1], cost: 5}}
anycast: {A: {members: [s1, s2, r_3]}, B: {members: [s1], addresses: 198.51.100.1}}
"""
OPTIONS = [
    (protocol, timers, bfd)
    for protocol in ("bgp", "ospf", "rip", "babel")
    for timers in ("fast", "default")
    for bfd in (False, True)
    if not (bfd and protocol == "babel")
]


def speaker(network: Network, name: str, state: NetworkState = INTACT) -> Speaker:
    return Speakers(network).speaker(name, state)


def bird(network: Network, name: str, state: NetworkState = INTACT) -> str:
    return bird_config.config(speaker(network, name, state), options_of(network.routing))


@pytest.mark.parametrize(("protocol", "timers", "bfd"), OPTIONS)
@pytest.mark.parametrize("text", [MANY_WAYS, TWO_SITES], ids=["ways", "sites"])
def test_bird_parses_what_is_written_for_it(
    text: str, protocol: str, timers: str, bfd: bool, tmp_path: Path
) -> None:
    needs("bird")
    network = network_of(text, daemon="bird", protocol=protocol, timers=timers, bfd=bfd)
    for name in Speakers(network).names:
        assert _parse(bird(network, name), tmp_path) == ""


def test_bird_would_tell_of_a_mistake(tmp_path: Path) -> None:
    needs("bird")
    network = network_of(MANY_WAYS, daemon="bird")
    assert "syntax error" in _parse(bird(network, "r1") + "\nnonsense", tmp_path)


def _parse(text: str, tmp_path: Path) -> str:
    path = tmp_path / "bird.conf"
    path.write_text(text)
    command = [find_program("bird", "bird2"), "-p", "-c", str(path)]
    return subprocess.run(command, check=False, capture_output=True, text=True).stderr


def test_every_node_but_a_client_speaks_and_has_an_as_of_its_own() -> None:
    network = network_of(MANY_WAYS, daemon="bird")
    speakers = Speakers(network)
    assert speakers.names == ("r1", "r-2", "r_3", "s1", "s2")
    numbers = {speakers.speaker(name, INTACT).asn for name in speakers.names}
    assert len(numbers) == 5
    assert min(numbers) > FIRST_PRIVATE_AS


def test_hosts_on_a_lan_are_no_neighbours_of_each_other() -> None:
    network = network_of(MANY_WAYS.replace("s2, c1]", "s2, s1, c1]"), daemon="bird")
    (lan,) = [port for port in speaker(network, "s2").ports if port.shared]
    assert {far.node.name for far in lan.neighbours} == {"r1", "r_3"}
    assert lan.silent == ()


def test_a_router_has_static_routes_to_clients_and_a_host_has_none() -> None:
    network = network_of(MANY_WAYS, daemon="bird", protocol="ospf")
    client = network.nodes["c2"].ipv4
    assert f"route {client}/32" in bird(network, "r1")
    assert "ospf_metric1 = 9" in bird(network, "r1"), "the cost from r1 to c2"
    assert "ospf_metric1 = 4" in bird(network, "r-2")
    assert "protocol static" not in bird(network, "s1")
    assert "protocol kernel" not in bird(network, "s1"), "a host learns nothing"


@pytest.mark.parametrize(
    ("protocol", "there"), [("ospf", "cost 3;"), ("babel", "rxcost 7;"), ("rip", "metric 1;")]
)
def test_a_cost_is_written_where_the_protocol_wants_it(protocol: str, there: str) -> None:
    network = network_of(MANY_WAYS, daemon="bird", protocol=protocol)
    (line,) = [
        line
        for line in bird(network, "r1").splitlines()
        if '"to-r-2" {' in line and "{ interval" not in line
    ][:1]
    assert there in line


def test_a_changed_cost_and_a_withdrawal_change_the_text() -> None:
    network = network_of(MANY_WAYS, daemon="bird", protocol="ospf")
    dearer = NetworkState(costs=MappingProxyType({("r1", "r-2"): 77}))
    assert "cost 77;" in bird(network, "r1", dearer)
    withdrawn = NetworkState(withdrawn=frozenset({("B", "s1")}))
    assert "198.51.100.1/32" in bird(network, "s1")
    assert "198.51.100.1/32" not in bird(network, "s1", withdrawn)


def test_default_timers_are_left_to_the_daemon() -> None:
    fast = network_of(MANY_WAYS, daemon="bird", timers="fast")
    default = network_of(MANY_WAYS, daemon="bird", timers="default")
    assert "hold time 3;" in bird(fast, "r1")
    assert "hold time" not in bird(default, "r1")


@pytest.mark.parametrize(
    ("protocol", "daemons"),
    [
        ("bgp", ["zebra", "staticd", "bfdd", "bgpd"]),
        ("ospf", ["zebra", "staticd", "bfdd", "ospfd", "ospf6d"]),
    ],
)
def test_frr_gets_a_file_for_each_daemon_zebra_first(protocol: str, daemons: list[str]) -> None:
    network = network_of(MANY_WAYS, daemon="frr", protocol=protocol, bfd=True)
    options = options_of(network.routing)
    assert list(frr_config.configs(speaker(network, "r1"), options)) == daemons
    assert "staticd" not in frr_config.configs(speaker(network, "s1"), options)


def test_no_way_leads_through_a_host_in_frrs_ospf() -> None:
    network = network_of(MANY_WAYS, daemon="frr", protocol="ospf")
    options = options_of(network.routing)
    assert " ip ospf cost 65535" in frr_config.configs(speaker(network, "s1"), options)["ospfd"]
    assert "65535\n" not in frr_config.configs(speaker(network, "r1"), options)["ospfd"]
