"""What the kernels' notifications mean: which node lost which link, and changed which route."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from anycastlab.kernel import messages
from anycastlab.kernel.monitor import Event
from anycastlab.probing.stream_changes import changes, covers
from anycastlab.probing.stream_record import Change
from anycastlab.routing.table import Prefix
from anycastlab.topology.network import Network
from tests.experiments.networks import FIGURE1, network
from tests.probing.streams import FLOW, at

CARRIER = 0x10043  # IFF_LOWER_UP, IFF_RUNNING … IFF_UP
NO_CARRIER = 0x1003


@pytest.fixture(scope="module")
def net() -> Network:
    return network(FIGURE1)


def prefix(text: str) -> Prefix:
    found = ip_network(text)
    return Prefix(found.network_address.packed, found.prefixlen)


@pytest.mark.parametrize(
    ("route", "covered"),
    [
        ("192.0.2.1/32", True),
        ("192.0.2.0/24", True),
        ("0.0.0.0/0", True),
        ("192.0.2.2/32", False),
        ("192.0.3.0/24", False),
        ("::/0", False),
    ],
)
def test_a_route_concerns_a_flow_when_it_covers_its_address(route: str, covered: bool) -> None:
    assert covers(prefix(route), ip_address("192.0.2.1").packed) is covered


def link(net: Network, node: str, flags: int, kind: int = messages.NEWLINK) -> Event:
    """An event of the first interface of a node."""
    (near, *_) = net.nodes[node].interfaces
    body = b"\0" * 4 + near.index.to_bytes(4, "little") + flags.to_bytes(4, "little") + b"\0" * 4
    return Event(at(1), node, kind, body)


def route(net: Network, node: str, towards: str, text: str, kind: int = messages.NEWROUTE) -> Event:
    """An event of a node's route over its link to another."""
    near, far = next(
        (near, far)
        for one in net.links
        for near, far in ((one.a, one.b), (one.b, one.a))
        if (near.node, far.node) == (node, towards)
    )
    gateway = far.ipv4.ip.packed
    body = messages.route(*prefix(text), [(near.index, gateway)], None)[16:]
    return Event(at(1), node, kind, body)


def told(net: Network, *events: Event) -> list[Change]:
    return list(changes(events, net, [FLOW]))


def test_a_link_counts_when_its_state_changes(net: Network) -> None:
    events = [link(net, "s1", flags) for flags in (CARRIER, NO_CARRIER, NO_CARRIER, CARRIER)]
    assert [(one.node, one.what, one.about) for one in told(net, *events)] == [
        ("s1", "link lost", "r1"),
        ("s1", "link back", "r1"),
    ]


def test_a_link_that_is_deleted_is_lost_whatever_its_flags(net: Network) -> None:
    (found,) = told(net, link(net, "s1", CARRIER, messages.DELLINK))
    assert (found.what, found.about) == ("link lost", "r1")


def test_an_interface_that_is_not_the_labs_is_left_out(net: Network) -> None:
    body = b"\0" * 4 + (1).to_bytes(4, "little") + b"\0" * 8
    assert told(net, Event(at(1), "s1", messages.NEWLINK, body)) == []


def test_a_route_to_the_flows_address_is_told_with_the_next_node(net: Network) -> None:
    (found,) = told(net, route(net, "r1", "r2", "192.0.2.1/32"))
    assert found == Change(at(1), "r1", "route", "192.0.2.1/32", ("r2",))
    (gone,) = told(net, route(net, "r1", "r2", "192.0.2.1/32", messages.DELROUTE))
    assert (gone.what, gone.via) == ("route gone", ())


def test_other_routes_and_those_of_servers_are_left_out(net: Network) -> None:
    assert told(net, route(net, "r1", "r2", "192.0.2.9/32")) == []
    assert told(net, route(net, "s1", "r1", "0.0.0.0/0")) == []
