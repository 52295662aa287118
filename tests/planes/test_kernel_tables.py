"""The kernel's tables are read as they were written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest

from anycastlab.kernel import messages, namespace
from anycastlab.kernel.netlink import Netlink
from anycastlab.lab.planes.convergence import Expectation, kernel_table
from anycastlab.lab.planes.kernel import KernelPlane
from anycastlab.lab.world import World
from anycastlab.routing.forwarding import forwarding
from anycastlab.routing.table import Hop, Prefix, Table
from anycastlab.topology.network import Routing

from .harness import DIAMOND, network_of


@pytest.fixture
def world() -> Iterator[World]:
    """A network with the lab's own control plane, whose tables are known."""
    network = replace(network_of(DIAMOND, daemon="kernel"), routing=Routing())
    with namespace.returning_home():
        made = World(network)
        made.open_workshop()
        made.build_namespaces(lambda *_: None)
        made.build_links()
        made.configure()
    plane = KernelPlane(made)
    plane.prepare()
    plane.install()
    yield made
    for name in list(made.namespaces):
        made.destroy(name)
    os.close(made._workshop)


def read(world: World, name: str) -> Table:
    with Netlink(world.namespaces[name]) as socket:
        return kernel_table(socket)


def through_gateways(table: Table) -> dict[Prefix, set[Hop]]:
    return {p: {*hops} for p, hops in table.items() if any(gateway for _, gateway in hops)}


def test_every_route_is_read_with_all_its_next_hops(world: World) -> None:
    for name, table in forwarding(world.network).items():
        assert through_gateways(read(world, name)) == {p: {*hops} for p, hops in table.items()}


def test_a_next_hop_without_a_carrier_does_not_count(world: World) -> None:
    service = Prefix(world.network.groups["A"].addresses[0].packed, 32)
    assert len(read(world, "r1")[service]) == 2
    (link,) = [one for one in world.network.links if one.name == "r1--r2"]
    with Netlink(world.namespaces["r1"], messages.GROUP_LINKS) as events:
        world.send("r2", [messages.link_down(link.b.index)])
        assert events.wait(lambda *_: len(read(world, "r1")[service]) == 1, 5)


def test_an_expectation_tells_what_is_missing_wrong_or_too_much(world: World) -> None:
    network, table = world.network, read(world, "r1")
    predicted = {p: hops for p, hops in table.items() if p.length in (32, 128)}
    expectation = Expectation(network, "r1", predicted)
    service = Prefix(network.groups["A"].addresses[0].packed, 32)
    assert expectation.missing(table) is None
    assert expectation.missing({**table, service: table[service][:1]}) == (
        service,
        "r1 still has another way to 198.18.0.1",
    )
    del table[service]
    assert expectation.missing(table) == (service, "r1 has no route to 198.18.0.1 yet")
    without = {p: hops for p, hops in predicted.items() if p != service}
    assert Expectation(network, "r1", without).missing(predicted) == (
        service,
        "r1 still has a route to 198.18.0.1",
    )


def test_one_of_several_next_hops_will_do_without_multipath(world: World) -> None:
    network, table = world.network, read(world, "r1")
    service = Prefix(network.groups["A"].addresses[0].packed, 32)
    one = {**table, service: table[service][:1]}
    hosts = {p: hops for p, hops in table.items() if p.length in (32, 128)}
    assert Expectation(network, "r1", hosts, multipath=False).missing(one) is None
    assert Expectation(network, "r1", one, multipath=False).missing(table) is not None


def test_a_link_local_gateway_is_known_for_the_neighbour_it_is(world: World) -> None:
    (link,) = [one for one in world.network.links if one.name == "r1--r2"]
    with Netlink(world.namespaces["r2"]) as socket:
        addresses = b"".join(socket.dump(messages.get_links().replace(b"\x12\0", b"\x16\0", 1)))
    assert link.b.link_local in addresses
