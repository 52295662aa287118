"""Bring a plan (peers.py) up and down with munet; print {"up": ms, "down": ms}."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from munet import parser

_SYSCTLS = "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1"


def _configuration(document: dict[str, Any], scratch: str) -> dict[str, Any]:
    """The plan as munet's own kind of file: every link is a connection of its first node."""
    nodes: dict[str, dict[str, Any]] = {
        name: {"name": name, "connections": []} for name in document["nodes"]
    }
    for a, name_a, b, name_b in document["links"]:
        nodes[a]["connections"].append({"to": b, "name": name_a, "remote-name": name_b})
        nodes[b]["connections"].append({"to": a, "name": name_b, "remote-name": name_a})
    file = Path(scratch, "munet.json")
    topology = {"ipv6-enable": True, "nodes": list(nodes.values())}
    configuration = {"version": 1, "topology": topology}
    file.write_text(json.dumps(configuration))
    return {**configuration, "config_pathname": str(file)}


async def main(plan: str, scratch: str) -> None:
    """Time both ways."""
    document = json.loads(Path(plan).read_text())
    for name, lines in document["nodes"].items():
        Path(scratch, name).write_text("\n".join(lines) + "\n")
    configuration = _configuration(document, scratch)
    began = time.perf_counter()
    net = await parser.async_build_topology(configuration, rundir=scratch)
    for name in document["nodes"]:
        net.hosts[name].cmd_raises(f"{_SYSCTLS}; ip -batch {scratch}/{name}")
    up = time.perf_counter()
    await net.async_delete()
    down = time.perf_counter()
    print(json.dumps({"up": (up - began) * 1e3, "down": (down - up) * 1e3}))


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(main(sys.argv[1], directory))
