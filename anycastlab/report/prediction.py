"""Predicted catchments and forwarding tables, as objects and as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from typing import Any

from anycastlab.routing.forwarding import forwarding
from anycastlab.routing.table import DISCARD, Hop
from anycastlab.topology.network import Network


def rows(
    network: Network,
    predicted: Mapping[tuple[str, str], tuple[str, ...]],
    distances: Mapping[tuple[str, str], int | None],
) -> list[dict[str, Any]]:
    """One object for each client and group; several instances where they are equally near."""
    return [
        {
            "client": client,
            "group": group,
            "predicted": list(instances),
            "distance": distances[client, group],
            "addresses": [str(address) for address in network.groups[group].addresses],
        }
        for (client, group), instances in predicted.items()
    ]


def text(found: Iterable[Mapping[str, Any]]) -> str:
    """The rows as lines for people."""
    lines = [f"{'client':<20} {'group':<12} {'distance':>8}  instance"]
    for row in found:
        nearest = " = ".join(row["predicted"]) or "unreachable"
        distance = "-" if row["distance"] is None else row["distance"]
        lines.append(f"{row['client']:<20} {row['group']:<12} {distance:>8}  {nearest}")
    return "\n".join(lines) + "\n"


def tables(network: Network) -> dict[str, list[dict[str, Any]]]:
    """Every node's forwarding table."""
    names = {i.index: i.name for node in network.nodes.values() for i in node.interfaces}
    return {
        node: [
            {
                "prefix": f"{ip_address(address)}/{length}",
                "via": [] if hops == DISCARD else [_hop(hop, names) for hop in hops],
            }
            for (address, length), hops in table.items()
        ]
        for node, table in forwarding(network).items()
    }


def _hop(hop: Hop, names: Mapping[int, str]) -> dict[str, str]:
    return {"gateway": str(ip_address(hop.gateway)), "interface": names[hop.interface]}


def tables_text(network: Network) -> str:
    """Every node's forwarding table as lines for people."""
    lines: list[str] = []
    for node, entries in tables(network).items():
        lines.append(f"\n{node}")
        for entry in entries:
            via = ", ".join(f"{hop['gateway']} dev {hop['interface']}" for hop in entry["via"])
            lines.append(f"  {entry['prefix']:<24} {f'via {via}' if via else 'discard'}")
    return "\n".join(lines) + "\n"
