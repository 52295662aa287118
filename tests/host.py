"""The network state of the host, byte for byte: what no lab may change."""

from __future__ import annotations

import subprocess
from pathlib import Path

_COMMANDS = (
    "ip -d link",
    "ip addr",
    "ip route show table all",
    "ip -6 route show table all",
    "ip rule",
    "ip -6 rule",
    "nft list ruleset",
    "tc qdisc",
)
_COUNTERS = {"nf_conntrack_count"}
"""Sysctls that count what goes on; they are no setting."""


def snapshot() -> dict[str, str]:
    """Links, addresses, routes, rules, filters and every sysctl of the caller's namespace."""
    state = {command: _output(command) for command in _COMMANDS}
    for path in sorted(Path("/proc/sys/net").rglob("*")):
        if path.is_file() and path.name not in _COUNTERS:
            try:
                state[str(path)] = path.read_text()
            except OSError:  # write-only, or not for this kernel
                continue
    return state


def _output(command: str) -> str:
    return subprocess.run(command.split(), check=True, capture_output=True, text=True).stdout


def difference(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """What differs, a line each."""
    return [
        f"{key}: {before.get(key)!r} -> {after.get(key)!r}"
        for key in sorted({*before, *after})
        if before.get(key) != after.get(key)
    ]
