"""What the pinning option costs a router, as ratios: the second table of docs/tcp.md.

A packet crosses client, router and server within the system call that sends it, so the time of that
call is the cost of all three; only the router and the packet differ between the rows.
"""

from __future__ import annotations

import socket
import tempfile
import time
from ipaddress import IPv4Address
from pathlib import Path

from anycastlab.components.pinning_wire import pinned
from anycastlab.lab.handle import Lab

PACKETS, ROUNDS = 2_000, 25
TOPOLOGY = """\
name: router-cost
nodes:
  c: client
  knows: {role: router, run: [pinning-router]}
  plain: router
  s1: server
  s2: server
links: [[c, knows], [c, plain], [knows, s1], [plain, s2]]
anycast: {A: {addresses: [192.0.2.1], members: [s1]}, B: {addresses: [192.0.2.2], members: [s2]}}
"""
ROWS = (
    ("no option, a router that looks for none", "B", False),
    ("no option, an option-aware router", "A", False),
    ("option, a router that looks for none", "B", True),
    ("option, an option-aware router", "A", True),
)


def measure() -> dict[str, float]:
    """Seconds a packet for each row: the quickest of alternated rounds, the least disturbed."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "lab.yaml")
        file.write_text(TOPOLOGY)
        with Lab.up(file) as lab:
            kind = socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW
            with lab.socket("c", *kind) as sender:
                found: dict[str, list[float]] = {name: [] for name, _, _ in ROWS}
                for _ in range(ROUNDS):
                    for name, group, option in ROWS:
                        found[name].append(_round(lab, sender, group, option))
    return {name: min(times) for name, times in found.items()}


def _round(lab: Lab, sender: socket.socket, group: str, option: bool) -> float:
    from scapy.layers.inet import IP, TCP

    client, found = lab.network.nodes["c"].ipv4, lab.network.groups[group]
    service, member = str(found.addresses[0]), lab.network.nodes[found.instances[0]].ipv4
    # a reset for no connection: the server's kernel drops it without a word
    packet = bytes(IP(src=str(client), dst=service) / TCP(sport=1, dport=9, flags="R"))
    sent = pinned(packet, IPv4Address(member)) if option else packet
    began = time.perf_counter()
    for _ in range(PACKETS):
        sender.sendto(sent, (service, 0))
    return (time.perf_counter() - began) / PACKETS


def table(seconds: dict[str, float]) -> str:
    """The table, in Markdown: ratios to the first row."""
    first = next(iter(seconds.values()))
    lines = ["| packet and router | cost of the whole way |", "|---|---|"]
    return "\n".join(lines + [f"| {name} | {s / first:.2f}x |" for name, s in seconds.items()])
