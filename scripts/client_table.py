"""Which unmodified client survives the shift by which remedy: a table of docs/tcp.md.

The topologies hold the clients; each is judged here by what it printed, whatever the file expects.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

TOPOLOGIES = Path(__file__).parents[1] / "topologies"
FILES = (
    "tcp-real-clients",
    "tcp-real-clients-pinned",
    "tcp-real-clients-resolved",
    "tcp-long-sessions",
    "browser/tcp-browser",
    "quic-http3",
)
BROWSER = "chromium-headless-shell"
CLIENTS = {
    "curl": ("curl -v", "5775b33226f152a0b1640906a59c1081149f8832aa4f7d0113453d0a864e8a22"),
    "urllib": ("urllib", "42e65a57483f7993819c73125f9f266dad8788c191a5df93455270767466f36c"),
    "iperf3": ("iperf3 -c", "iperf Done"),
    "ssh": ("ssh -F", "line 12"),
    "Chromium": (BROWSER, " bytes, 0 wrong"),
    "aioquic": ("aioquic", "cf8f6388cb2015ee8e560b3405ca6df30ac30ddc1954f3718d3f449d979d08f3"),
}
"""By name: what its command has and no other's, and what it prints when all has gone well."""
REMEDIES = {
    "none, IPv4": r"node: none,.*\{[A-Z]\.4\}|node: c1,.*\{B\.4\}",
    "none, IPv6": r"node: none,.*\{[A-Z]\.6\}",
    "hand-over (RFC 1546), IPv4": r"node: hand-over,.*\{H\.4\}",
    "hand-over (RFC 1546), IPv6": r"node: hand-over,.*\{H\.6\}",
    "pinning option, IPv4": r"node: option,",
    "loose source route (RFC 791), IPv4, by socat": r"node: source-route,",
    "node information (RFC 4620), IPv6": r"node: node-information,",
    "HTTP redirect (RFC 9110)": r"node: redirect,",
    "QUIC preferred address (RFC 9000), IPv4": r"node: c1,.*\{A\.4\}",
}
"""By name: what the step has whose node is helped so."""
_QUIC, _REDIRECT = "QUIC preferred address (RFC 9000), IPv4", "HTTP redirect (RFC 9110)"
WHY_NOT = {
    ("none, IPv6", "aioquic"): "not tried",
    (_REDIRECT, "iperf3"): "no HTTP",
    (_REDIRECT, "ssh"): "no HTTP",
    (_QUIC, "curl"): "Debian's has no HTTP/3",
    (_QUIC, "urllib"): "no HTTP/3",
    (_QUIC, "iperf3"): "no QUIC",
    (_QUIC, "ssh"): "no QUIC",
    (_QUIC, "Chromium"): "not tried",
}


def measure() -> Mapping[tuple[str, str], set[str]]:
    """What became of each client by each remedy, in all its runs."""
    found: dict[tuple[str, str], set[str]] = {}
    for name in FILES:
        if name.startswith("browser/") and shutil.which(BROWSER) is None:
            raise SystemExit(f"{BROWSER} is not installed: scripts/setup browser")
        for step, output in _steps(TOPOLOGIES / f"{name}.yaml"):
            for cell in cells_of(step):
                fate = "survived" if CLIENTS[cell[1]][1] in output else "broken"
                found.setdefault(cell, set()).add(fate)
    return found


def cells_of(step: str) -> list[tuple[str, str]]:
    """The cells, as (remedy, client), that a step is of: one, if it runs a client at all."""
    return [
        (remedy, client)
        for client, (command, _) in CLIENTS.items()
        for remedy, pattern in REMEDIES.items()
        if command in step and re.search(pattern, step, re.DOTALL)
    ]


def _steps(file: Path) -> Iterator[tuple[str, str]]:
    """Each program that ran: the step as written, and what it printed."""
    command = [sys.executable, "-m", "anycastlab", "run", "--json", "--no-results", str(file)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    (topology,) = json.loads(done.stdout)["topologies"]
    for step in topology["steps"]:
        if "output" in step.get("data", {}):
            yield step["step"], step["data"]["output"]


def table(found: Mapping[tuple[str, str], set[str]]) -> str:
    """The table, in Markdown."""
    lines = [f"| remedy | {' | '.join(CLIENTS)} |", "|---" * (len(CLIENTS) + 1) + "|"]
    for remedy in REMEDIES:
        cells = [_cell(found, remedy, client) for client in CLIENTS]
        lines.append(f"| {remedy} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(found: Mapping[tuple[str, str], set[str]], remedy: str, client: str) -> str:
    fates = " and ".join(sorted(found.get((remedy, client), ())))
    return fates or WHY_NOT.get((remedy, client), "no TCP" if client == "aioquic" else "")
