"""Bring a plan (peers.py) up and down with Mininet; print {"up": ms, "down": ms}.

Runs in the system's Python, where Debian's package puts Mininet.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from mininet.link import Link
from mininet.net import Mininet
from mininet.node import Node

_SYSCTLS = "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1"


def main(plan: str, scratch: str) -> None:
    """Time both ways."""
    document = json.loads(Path(plan).read_text())
    for name, lines in document["nodes"].items():
        Path(scratch, name).write_text("\n".join(lines) + "\n")
    began = time.perf_counter()
    net = Mininet(topo=None, build=False, controller=None, host=Node, link=Link)
    nodes = {name: net.addHost(name, ip=None) for name in document["nodes"]}
    for a, name_a, b, name_b in document["links"]:
        net.addLink(nodes[a], nodes[b], intfName1=name_a, intfName2=name_b)
    net.build()
    for name, node in nodes.items():
        complaint = node.cmd(f"{_SYSCTLS}; ip -batch {scratch}/{name}")
        if complaint.strip():
            sys.exit(f"{name}: {complaint}")
    up = time.perf_counter()
    net.stop()
    down = time.perf_counter()
    print(json.dumps({"up": (up - began) * 1e3, "down": (down - up) * 1e3}))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        main(sys.argv[1], directory)
