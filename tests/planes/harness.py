"""Networks with real daemons, on the lab's own parts but without a supervisor."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from anycastlab.kernel import namespace
from anycastlab.kernel.netlink import Netlink
from anycastlab.lab.faults import Faults
from anycastlab.lab.planes import make
from anycastlab.lab.planes.convergence import kernel_table
from anycastlab.lab.planes.daemon import DaemonPlane
from anycastlab.lab.timers import Timers
from anycastlab.lab.world import World
from anycastlab.routing.table import Table
from anycastlab.topology.load import load_text
from anycastlab.topology.network import Network

READY_WITHIN = 40.0

DIAMOND = """\
name: hd-diamond
nodes: {r1: router, r2: router, r-3: router, r4: router, c1: client, s1: server, s2: server}
links:
  - [c1, r1]
  - [r1, r2]
  - [r1, r-3]
  - [r2, r4]
  - [r-3, r4]
  - [s1, r4]
  - {endpoints: [s2, r-3], cost: [1, 10]}
anycast:
  A: {members: [s1, s2]}
"""


TWO_SITES = """\
name: hd-sites
nodes: {r1: router, r2: router, r3: router, r4: router, r5: router, c1: client, c2: client,
  s1: server, s2: server, s3: server}
links:
  - [c1, r1]
  - [c2, r4]
  - {endpoints: [r1, r2], cost: [10, 20]}
  - {endpoints: [r2, r3], cost: [30, 5]}
  - {endpoints: [r1, r3], cost: [7, 40]}
  - {endpoints: [r3, r5], cost: 3}
  - {endpoints: [r1, r5], cost: 10}
  - [s1, r1]
  - {endpoints: [s3, r3], cost: 4}
  - {endpoints: [s2, r2], cost: 2}
lans:
  lan1: {nodes: [r2, r4, r5], cost: 2}
anycast:
  A: {members: [s1, s2]}
  B: {members: [s3, r5]}
  C: {members: [s2, s3]}
"""
"""A LAN of routers, costs that differ by direction, a router that is a member, several groups."""


def network_of(text: str, **routing: object) -> Network:
    """Load a topology, its `routing:` replaced."""
    network = load_text(text, "test.yaml").network
    daemon, protocol = str(routing.pop("daemon")), routing.pop("protocol", None)
    changed = replace(
        network.routing,
        daemon=daemon,
        protocol=protocol and str(protocol),
        options=MappingProxyType(routing),
    )
    return replace(network, routing=changed)


class Running:
    """A network that is up, with its plane and faults."""

    def __init__(self, network: Network, rundir: Path) -> None:
        with namespace.returning_home():
            self.world = World(network)
            self.world.open_workshop()
            self.world.build_namespaces(lambda *_: None)
            self.world.build_links()
            self.world.configure()
        plane = make(self.world, rundir, Timers())
        assert isinstance(plane, DaemonPlane)
        self.plane = plane
        self.faults = Faults(self.world, plane)

    def settle(self, within: float = READY_WITHIN) -> str:
        """Wait until all is as predicted; return '' or what is missing."""
        return self.plane.wait(self.faults.state, time.monotonic() + within)

    def table(self, node: str) -> Table:
        """What the kernel of a node has for a routing table."""
        with Netlink(self.world.namespaces[node]) as socket:
            return kernel_table(socket)

    def close(self) -> None:
        """End everything."""
        self.plane.processes.close()
        for name in list(self.world.namespaces):
            if name in self.world.network.nodes:
                self.world.destroy(name)
        for held in self.world.namespaces.values():  # those of LANs
            os.close(held)


@contextmanager
def running(network: Network, rundir: Path) -> Iterator[Running]:
    """A network that is up while the context lasts; its daemons have been started."""
    lab = Running(network, rundir)
    try:
        lab.plane.prepare()
        lab.plane.install()
        yield lab
    finally:
        lab.close()
