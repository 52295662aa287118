"""Route insertion: many routes in one namespace, by the product, by C and by plain pyroute2."""

from __future__ import annotations

import time
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

from anycastlab.kernel import messages, namespace
from anycastlab.kernel.netlink import Netlink
from anycastlab.lab import wiring
from anycastlab.routing.table import Hop, Prefix
from anycastlab.topology.network import Node
from benchmarks.harness import Bench, floor, worker
from benchmarks.plan import counted
from benchmarks.results import Row

ROUTES, MANY = 10_000, 100_000
LIMIT, LEAST = 1.5, 100
_BY_PYROUTE2 = 500

_NODE = Node("n", "router", IPv4Address("10.255.0.1"), IPv6Address("2001:db8::1"))
_INDEX = 2
_NEAR, _GATEWAY = IPv4Address("172.16.0.0").packed, IPv4Address("172.16.0.1").packed
_FIRST = 0x14000000  # 20.0.0.0, as in routes.c


def measure(bench: Bench) -> Iterator[Row]:
    """Encode and send them; plain pyroute2 does a part, from which all are extrapolated."""
    plan = bench.directory / "routes.plan"
    plan.write_bytes(counted(b"".join(_prepare(0))) + counted(_messages(1)[0]))
    program = bench.compile("routes")
    found = bench.alternate(
        {
            "ours": lambda: worker(insert),
            "C": lambda: floor(program, plan, str(ROUTES))["total"],
            "pyroute2": lambda: worker(insert_by_pyroute2),
        }
    )
    yield Row.at_most("route insertion", ROUTES, found["ours"], found["C"], LIMIT)
    yield Row.faster("route insertion", ROUTES, found["ours"], found["pyroute2"], LEAST, "IPRoute")
    if not bench.quick:  # what so many anycast groups cost a router
        found = bench.alternate(
            {
                "ours": lambda: worker(insert, MANY),
                "C": lambda: floor(program, plan, str(MANY))["total"],
            }
        )
        yield Row.at_most("route insertion", MANY, found["ours"], found["C"], LIMIT)


def insert(routes: str | int = ROUTES) -> float:
    """Insert so many routes as the lab does; return the milliseconds."""
    table = {Prefix(address, 32): hops for address, hops in _routes(int(routes))}
    with Netlink(_namespace()) as socket:
        began = time.perf_counter()
        socket.send(wiring.route_messages(_NODE, table.items()))
        return (time.perf_counter() - began) * 1e3


def insert_by_pyroute2() -> float:
    """Insert some by one call each; return the milliseconds that all would take."""
    from pyroute2 import IPRoute

    _namespace()
    destinations = [str(IPv4Address(_FIRST + number)) for number in range(_BY_PYROUTE2)]
    with IPRoute() as api:
        began = time.perf_counter()
        for destination in destinations:
            api.route(
                "add",
                dst=destination,
                dst_len=32,
                gateway=str(IPv4Address(_GATEWAY)),
                oif=_INDEX,
                prefsrc=str(_NODE.ipv4),
            )
        return (time.perf_counter() - began) * 1e3 * ROUTES / _BY_PYROUTE2


def _routes(count: int) -> Iterator[tuple[bytes, tuple[Hop, ...]]]:
    hops = (Hop(_INDEX, _GATEWAY),)
    for number in range(count):
        yield (_FIRST + number).to_bytes(4, "big"), hops


def _messages(count: int) -> list[bytes]:
    routes = [(Prefix(address, 32), hops) for address, hops in _routes(count)]
    return wiring.route_messages(_NODE, routes)


def _prepare(held: int) -> list[bytes]:
    """A veth pair inside one namespace, and the addresses the routes refer to."""
    near = (_INDEX, "near", bytes.fromhex("020000000002"), held)
    far = (_INDEX + 1, "far", bytes.fromhex("020000000003"), held)
    return [
        messages.veth(near, far),
        messages.link_up(messages.LOOPBACK),
        messages.link_up(_INDEX + 1),
        messages.address(messages.LOOPBACK, _NODE.ipv4.packed, 32),
        messages.address(_INDEX, _NEAR, 31),
    ]


def _namespace() -> int:
    """A prepared namespace; this process is in it from now on."""
    held = namespace.create()
    with Netlink() as socket:
        socket.send(_prepare(held))
    return held
