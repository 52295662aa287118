"""Predictions for addresses of two registries, and of a LAN's own prefix, follow the tables."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

from anycastlab.routing.catchment import distances, predict
from anycastlab.routing.followed import families_agree
from anycastlab.routing.forwarding import forwarding
from anycastlab.routing.state import NetworkState
from anycastlab.routing.table import Prefix
from anycastlab.topology.load import load_text
from anycastlab.topology.network import Network

CLASH = """\
name: clash
nodes: {r1: router, r2: router, r3: router, c1: client, c3: client, x: server, y: server}
links: [[x, r1], [c1, r1], [r1, r2], [r2, r3], [y, r3], [c3, r3]]
anycast:
  X: {addresses: [192.0.2.1, "2001:db8:a::1"], members: [x], registry: east}
  Y: {addresses: [192.0.2.1, "2001:db8:a::2"], members: [y], registry: west}
  Z: {addresses: 192.0.2.9, members: [x]}
"""
HOME = """\
name: home
nodes: {r0: router, r1: router, r2: router, c1: client, c0: client}
links: [[c0, r0], [r0, r1], {endpoints: [r0, r2], cost: 5}]
lans: {lan1: {nodes: [r1, r2, c1], subnet: "2001:db8:9::/64"}}
anycast:
  T: {addresses: subnet-router(lan1), members: [r1, r2]}
  H: {addresses: mobile-ipv6-home-agents(lan1), members: [r2]}
  U: {addresses: "2001:db8:a::1", members: [r1, r2]}
"""


def network(text: str) -> Network:
    return load_text(text, "lab.yaml").network


def prefix(text: str) -> Prefix:
    found = ip_network(text)
    return Prefix(found.network_address.packed, found.prefixlen)


def state(**what: Any) -> NetworkState:
    return NetworkState(**{name: frozenset(value) for name, value in what.items()})


def test_an_address_of_two_groups_leads_to_the_nearest_member_of_either() -> None:
    clash = network(CLASH)
    assert predict(clash, family=4)["c1", "X"] == predict(clash, family=4)["c1", "Y"] == ("x",)
    assert predict(clash, family=4)["c3", "X"] == predict(clash, family=4)["c3", "Y"] == ("y",)
    assert predict(clash, family=6)["c3", "X"] == ("x",)
    assert predict(clash)["c3", "X"] == ("x", "y")
    assert predict(clash)["c3", "Z"] == ("x",)
    assert distances(clash)["c3", "X"] == 2
    assert predict(clash, state(dead=["y"]), family=4)["c3", "Y"] == ("x",)
    assert predict(clash, state(dead=["c3"]))["c3", "X"] == ()


def test_there_is_one_route_to_it_and_it_leads_there() -> None:
    tables = forwarding(network(CLASH))
    assert len(tables["r2"][prefix("192.0.2.1/32")]) == 2
    assert len(tables["r2"][prefix("192.0.2.9/32")]) == 1


def test_only_networks_with_such_addresses_need_it() -> None:
    assert not families_agree(network(CLASH))
    assert families_agree(
        network(CLASH.replace("Y: {addresses: [192.0.2.1", "Y: {addresses: [192.0.2.2"))
    )


def test_a_lans_own_address_is_reached_by_the_lans_route() -> None:
    home = network(HOME)
    tables = forwarding(home)
    assert prefix("2001:db8:9::/128") not in tables["r0"]
    assert prefix("2001:db8:9::/64") in tables["r0"]
    assert prefix("2001:db8:a::1/128") in tables["r0"]
    found = predict(home)
    assert (found["c0", "T"], found["c1", "T"]) == (("r1",), ("r1", "r2"))
    assert distances(home)["c0", "T"] == 2


def test_a_router_that_is_no_member_asks_the_lan() -> None:
    home = network(HOME)
    assert predict(home)["c0", "H"] == predict(home)["c1", "H"] == ("r2",)
    assert distances(home)["c0", "H"] == 3, "over r1 and the LAN"
    assert predict(home, state(cut=["lan1:r2"]))["c0", "H"] == ()
    assert predict(home, state(dead=["r1"]))["c0", "T"] == ("r2",)


def test_a_host_has_no_route_to_its_own_lan() -> None:
    home = network(HOME)
    (lan,) = home.lans
    assert prefix(str(lan.ipv4)) not in forwarding(home)["c1"]
    assert prefix(str(lan.ipv4)) in forwarding(home)["r0"]


LAN = """\
name: lan
nodes: {r1: router, c1: client, c2: client, s1: server, s2: server}
links: [[c2, r1]]
lans: {lan1: {nodes: [c1, s1, s2, r1], subnet: [10.9.0.0/24, "2001:db8:9::/64"]}}
anycast:
  A: {addresses: [10.9.0.100, "2001:db8:9::100"], members: [s1, s2]}
  B: {addresses: 192.0.2.1, members: [s1, s2]}
"""


def test_an_address_of_a_lans_subnet_is_answered_for_by_every_member_there() -> None:
    lan = network(LAN)
    assert predict(lan)["c1", "A"] == predict(lan)["c2", "A"] == ("s1", "s2")
    assert predict(lan, state(dead=["s1"]))["c2", "A"] == ("s2",)
    assert predict(lan, state(cut=["lan1:s2"]))["c1", "A"] == ("s1",)
    assert predict(lan, state(withdrawn=[("A", "s1")]))["c1", "A"] == ("s2",)


def test_no_host_route_leads_to_it() -> None:
    tables = forwarding(network(LAN))
    found = {entry for table in tables.values() for entry in table}
    assert prefix("192.0.2.1/32") in found
    assert not found & {prefix("10.9.0.100/32"), prefix("2001:db8:9::100/128")}
