"""Other emulators bringing the same network up and down: Mininet and munet.

A peer is given its best: it makes nodes and links by its own API, then addresses and routes by one
`ip -batch` a node, the fastest way it leaves to its users.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from ipaddress import ip_address
from pathlib import Path

from anycastlab.routing.forwarding import forwarding
from anycastlab.routing.table import Hops, Prefix
from anycastlab.topology.load import load
from anycastlab.topology.network import Network, Node
from benchmarks.harness import SOURCES, Bench, floor, worker
from benchmarks.kernel_phase import bring_up
from benchmarks.results import Row

NODES = 100
PEERS = {
    "mininet": (Path("/usr/bin/python3"), 5),
    "munet": (Path("build/peers/bin/python"), 100),
}
"""What runs the peer (scripts/bench --peers installs it), and how much faster the lab shall be."""


def measure(bench: Bench) -> Iterator[Row]:
    """A tree of moderate size, as they take long."""
    file = bench.topology("tree", NODES)
    plan = file.with_suffix(".json")
    worker(write_plan, file, plan)
    short = Bench(bench.directory, repetitions=2, quick=bench.quick)
    for peer, (python, least) in PEERS.items():
        program = SOURCES / f"peer_{peer}.py"
        found = short.alternate(
            {
                "ours": partial(worker, bring_up, file),
                peer: partial(_up, python, program, plan),
            }
        )
        yield Row.faster("kernel phase of up, tree", NODES, found["ours"], found[peer], least, peer)


def _up(*command: Path) -> float:
    return float(floor(*command)["up"])


def write_plan(file: str, plan: str) -> None:
    """Write a network as nodes, each with its lines for `ip -batch`, and as links."""
    network = load(file).network
    tables = forwarding(network)
    document = {
        "nodes": {
            name: [*_addresses(network, node), *_routes(node, tables[name])]
            for name, node in network.nodes.items()
        },
        "links": [[link.a.node, link.a.name, link.b.node, link.b.name] for link in network.links],
    }
    Path(plan).write_text(json.dumps(document))


def _addresses(network: Network, node: Node) -> Iterator[str]:
    yield "link set lo up"
    service = [
        address
        for group in network.groups.values()
        if node.name in group.instances
        for address in group.addresses
    ]
    for address in (node.ipv4, node.ipv6, *service):
        yield f"address add {address}/{address.max_prefixlen} dev lo"
    for end in node.interfaces:
        yield f"link set {end.name} up"
        yield f"address add {end.ipv4} dev {end.name}"
        yield f"address add {end.ipv6} dev {end.name} nodad"


def _routes(node: Node, table: dict[Prefix, Hops]) -> Iterator[str]:
    names = {end.index: end.name for end in node.interfaces}
    for (address, length), hops in table.items():
        ways = "".join(
            f" nexthop via {ip_address(hop.gateway)} dev {names[hop.interface]}" for hop in hops
        )
        yield f"route add {ip_address(address)}/{length}{ways}"
