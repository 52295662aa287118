"""What a picture of a network shows, apart from how it is drawn: shapes, colours, labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from anycastlab.routing.catchment import predict
from anycastlab.routing.state import INTACT, NetworkState
from anycastlab.topology.network import Network

PALETTE = (
    "#56B4E9",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#F0E442",
    "#0072B2",
    "#D55E00",
    "#999933",
    "#AA4499",
    "#88CCEE",
    "#882255",
    "#DDCC77",
)
"""Colours for any colour vision: seven of Okabe and Ito (2008), then some of Tol (2021).

If there are more members than colours, they begin again.
"""

Kind = Literal["router", "client", "server", "lan"]


@dataclass(frozen=True, slots=True)
class Dot:
    """A node or a LAN: its colours are those of the instances it belongs to, none for neutral.

    ``key`` is unique in the picture, ``name`` is what the picture shows.
    """

    key: str
    name: str
    kind: Kind
    colours: tuple[str, ...] = ()
    dead: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A link, or a port of a LAN, by the keys of its ends; the costs to show, if any."""

    a: str
    b: str
    there: str = ""
    back: str = ""
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Sketch:
    """Everything a picture shows. ``instances`` give the legend: each member and its colour."""

    name: str
    group: str | None
    instances: Mapping[str, str]
    dots: tuple[Dot, ...]
    lines: tuple[Line, ...]


def sketch(network: Network, state: NetworkState = INTACT, group: str | None = None) -> Sketch:
    """Return what to draw, in the colours of a group's predicted catchment: the first if not given.

    A LAN's key is ``lan:NAME``: names of nodes have no colon.
    """
    group = group or next(iter(network.groups), None)
    instances: dict[str, str] = {}
    belongs: dict[str, tuple[str, ...]] = {}
    if group is not None:
        belongs = {client: near for (client, _), near in predict(network, state, group).items()}
        foreign = (one for near in belongs.values() for one in near)  # of a group with its address
        reached = dict.fromkeys((*network.groups[group].instances, *foreign))
        instances = {one: PALETTE[i % len(PALETTE)] for i, one in enumerate(reached)}
        belongs |= {one: (one,) for one in reached}
    dots = [
        Dot(
            node.name,
            node.name,
            node.role,
            tuple(instances[member] for member in belongs.get(node.name, ())),
            node.name in state.dead,
        )
        for node in network.nodes.values()
    ]
    dots += [Dot(f"lan:{lan.name}", lan.name, "lan") for lan in network.lans]
    return Sketch(
        network.name,
        group,
        instances,
        tuple(dots),
        (*_links(network, state), *_ports(network, state)),
    )


def _links(network: Network, state: NetworkState) -> list[Line]:
    """Return the links; a cost of 1 both ways is not shown."""
    lines = []
    for link in network.links:
        a, b = link.a.node, link.b.node
        costs = state.costs.get((a, b), link.cost), state.costs.get((b, a), link.cost_back)
        there, back = ("", "") if costs == (1, 1) else map(str, costs)
        cut = link.name in state.cut or not state.dead.isdisjoint((a, b))
        lines.append(Line(a, b, there, back, cut))
    return lines


def _ports(network: Network, state: NetworkState) -> list[Line]:
    return [
        Line(
            f"lan:{lan.name}",
            port.node,
            cut=port.node in state.dead or f"{lan.name}:{port.node}" in state.cut,
            back=str(lan.cost) if lan.cost != 1 else "",
        )
        for lan in network.lans
        for port in lan.ports
    ]
