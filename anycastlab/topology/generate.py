"""Topology files of a given shape and size, for experiments of scale."""

from __future__ import annotations

import random
import textwrap
from collections.abc import Callable, Iterator, Sequence
from string import ascii_uppercase
from typing import NamedTuple

from anycastlab.errors import UsageError, did_you_mean

MOST_NODES = 65534
"""As many as there are addresses for loopbacks."""


class Routers(NamedTuple):
    """Routers numbered from 0 and linked: (a, b, cost); hosts hang on those of ``edge``."""

    links: list[tuple[int, int, int]]
    edge: Sequence[int]


class Sizes(NamedTuple):
    """How many there are of each kind."""

    routers: int
    members: int
    clients: int


def generate(
    shape: str,
    nodes: int,
    members: int | None = None,
    clients: int | None = None,
    groups: int = 1,
    seed: int = 0,
) -> str:
    """Return the text of a topology file of *nodes* nodes in all: members, clients, and routers.

    There is one member to 50 nodes and one client to 10, but two at least, unless given; each hangs
    on a router by one link, and they are spread evenly. The same arguments give the same text.
    Raises UsageError when there is no such topology.
    """
    if shape not in SHAPES:
        raise UsageError(f"no shape {shape!r}{did_you_mean(shape, SHAPES)}")
    counts = ("members", members, 1), ("clients", clients, 0), ("groups", groups, 1)
    for what, number, least in counts:
        if number is not None and number < least:
            raise UsageError(f"{what}: {number} is too few; {least} is the least")
    sizes = _sizes(shape, nodes, members, clients)
    dice = random.Random(f"{shape} {nodes} {seed}")
    routers = SHAPES[shape].link(sizes.routers, dice)
    hosts = _spread("s", sizes.members, routers.edge, dice)
    hosts += _spread("c", sizes.clients, routers.edge, dice)
    made = (
        f"anycastlab generate {shape} --nodes {nodes} --members {sizes.members}"
        f" --clients {sizes.clients} --groups {groups} --seed {seed}"
    )
    described = (
        f"{SHAPES[shape].title} of {counted(sizes.routers, 'router')},"
        f" {counted(sizes.members, 'server')} and {counted(sizes.clients, 'client')}."
    )
    lines = [
        f"# Made by: {made}",
        "",
        f"name: {shape}-{nodes}",
        f"description: {described}",
        "",
        *_nodes(sizes.routers, hosts),
        "",
        *_links(routers, hosts),
        "",
        *_groups(sizes.members, groups, dice),
        "",
        "experiment:",
        "  - catchment: {is: predicted}",
    ]
    return "\n".join(lines) + "\n"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _sizes(shape: str, nodes: int, members: int | None, clients: int | None) -> Sizes:
    """Fill in what was not given, and check that the shape can be made."""
    routers = SHAPES[shape].least
    smallest = routers + (1 if members is None else members) + (1 if clients is None else clients)
    if nodes < smallest:
        hosts = [
            "a member" if members is None else counted(members, "member"),
            "a client" if clients is None else counted(clients, "client"),
        ]
        whole = f"{SHAPES[shape].title.lower()} with {' and '.join(hosts)}"
        raise UsageError(f"{whole} needs at least {smallest} nodes, not {nodes}")
    if nodes > MOST_NODES:
        raise UsageError(f"{nodes} nodes are too many; {MOST_NODES} have addresses")
    spare = nodes - smallest
    if members is None:
        members = min(max(2, nodes // 50), 1 + spare)
        spare -= members - 1
    if clients is None:
        clients = min(max(2, nodes // 10), 1 + spare)
    return Sizes(nodes - members - clients, members, clients)


def _spread(
    letter: str, count: int, edge: Sequence[int], dice: random.Random
) -> list[tuple[int, str]]:
    """Return (router, host) for so many hosts, evenly over the edge from a random router on."""
    start = dice.randrange(len(edge))
    places = sorted((start + i * len(edge) // count) % len(edge) for i in range(count))
    return [(edge[place], f"{letter}{number}") for number, place in enumerate(places, 1)]


def _nodes(routers: int, hosts: list[tuple[int, str]]) -> Iterator[str]:
    """Yield the nodes, hosts after their routers: neighbours in number have routes in common."""
    hanging: dict[int, list[str]] = {}
    for router, host in hosts:
        hanging.setdefault(router, []).append(host)
    yield "nodes:"
    for router in range(routers):
        yield f"  r{router + 1}: router"
        for host in hanging.get(router, ()):
            yield f"  {host}: {'server' if host[0] == 's' else 'client'}"


def _links(routers: Routers, hosts: list[tuple[int, str]]) -> Iterator[str]:
    yield "links:"
    for router, host in hosts:
        yield f"  - [{host}, r{router + 1}]"
    for a, b, cost in routers.links:
        ends = f"[r{a + 1}, r{b + 1}]"
        yield f"  - {ends}" if cost == 1 else f"  - {{endpoints: {ends}, cost: {cost}}}"


def _groups(members: int, groups: int, dice: random.Random) -> Iterator[str]:
    """Yield the groups: all members in one group, or in each of several about half of them."""
    yield "anycast:"
    for number in range(groups):
        name = ascii_uppercase[number] if groups <= len(ascii_uppercase) else f"G{number + 1}"
        chosen = list(range(members))
        if groups > 1:
            chosen = sorted(dice.sample(chosen, (members + 1) // 2))
        text = f"  {name}: {{members: [{', '.join(f's{k + 1}' for k in chosen)}]}}"
        yield from textwrap.wrap(text, 100, subsequent_indent=" " * 8)


def _ring(count: int, _: random.Random) -> Routers:
    return Routers([(i, (i + 1) % count, 1) for i in range(count)], range(count))


def _line(count: int, _: random.Random) -> Routers:
    return Routers([(i, i + 1, 1) for i in range(count - 1)], range(count))


def _star(count: int, _: random.Random) -> Routers:
    return Routers([(0, i, 1) for i in range(1, count)], range(count))


def _tree(count: int, _: random.Random) -> Routers:
    """Four below each, as even in depth as can be; numbered depth first."""
    order: dict[int, int] = {}
    pending = [0]
    while pending:
        router = pending.pop()
        order[router] = len(order)
        below = range(4 * router + 1, min(4 * router + 5, count))
        pending += reversed(below)
    links = [(order[(i - 1) // 4], order[i], 1) for i in range(1, count)]
    return Routers(sorted(links, key=lambda link: link[1]), range(count))


def _grid(count: int, _: random.Random) -> Routers:
    """As square as can be; the last row may be shorter."""
    width = max(1, round(count**0.5))
    links = [
        (i, other, 1)
        for i in range(count)
        for other, there in ((i + 1, (i + 1) % width), (i + width, True))
        if there and other < count
    ]
    return Routers(links, range(count))


def _random(count: int, dice: random.Random) -> Routers:
    """A ring with a chord to every four routers, and costs from 1 to 10."""
    pairs = {(i, i + 1) for i in range(count - 1)} | {(0, count - 1)}
    most = count * (count - 1) // 2
    while len(pairs) < min(count + count // 4, most):
        a, b = sorted(dice.sample(range(count), 2))
        pairs.add((a, b))
    return Routers([(a, b, dice.randint(1, 10)) for a, b in sorted(pairs)], range(count))


def _fattree(count: int, _: random.Random) -> Routers:
    """The largest fat tree of k pods (Al-Fares et al., SIGCOMM 2008) in so many routers.

    Those left over are more edge routers, shared out among the pods. Core routers come first, then
    each pod with its aggregation and its edge routers.
    """
    k = 2
    while 5 * (k + 2) ** 2 // 4 <= count:
        k += 2
    half = k // 2
    links: list[tuple[int, int, int]] = []
    edge: list[int] = []
    first = half * half
    spare = count - 5 * half * half
    for pod in range(k):
        aggregation = range(first, first + half)
        edges = range(first + half, first + k + (spare + pod) // k)
        for place, router in enumerate(aggregation):
            links += [(core, router, 1) for core in range(place * half, (place + 1) * half)]
            links += [(router, other, 1) for other in edges]
        edge += edges
        first = edges.stop
    return Routers(links, edge)


class Shape(NamedTuple):
    """A way to link routers, how few it takes, and what it is called."""

    title: str
    least: int
    link: Callable[[int, random.Random], Routers]


SHAPES = {
    "ring": Shape("A ring", 3, _ring),
    "line": Shape("A line", 1, _line),
    "star": Shape("A star", 1, _star),
    "tree": Shape("A tree", 1, _tree),
    "grid": Shape("A grid", 1, _grid),
    "random": Shape("A random network", 3, _random),
    "fattree": Shape("A fat tree", 5, _fattree),
}
