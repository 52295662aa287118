"""How the tables of routers grow with the groups: inside a region, and outside its border.

Each number of groups is a lab of its own, with the network of topologies/host-routes-1000.yaml.
What is counted are the routes its kernels hold when it is up.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import linear_regression

from anycastlab.lab.handle import Lab
from anycastlab.lab.route_counts import RouteCounter

ROOT = Path(__file__).parents[1]
TOPOLOGY = ROOT / "topologies/host-routes-1000.yaml"
PAGE, PLOT = ROOT / "docs/routes.md", ROOT / "docs/routes.svg"
GROUPS = (1, 100, 250, 500, 750, 1000)
INSIDE, AGGREGATED, UNAGGREGATED = ("r1", "r2", "b1", "b2"), "o1", "o2"
BEGIN, END = "<!-- scripts/route-growth --write -->\n", "<!-- end -->\n"


@dataclass(frozen=True, slots=True)
class Point:
    """One lab: each router's routes (IPv4, IPv6), the bytes of r1's trie, seconds to come up."""

    groups: int
    routes: dict[str, tuple[int, int]]
    bytes: int | None
    seconds: float


def measure(groups: int) -> Point:
    """Bring a lab with so many groups up, and count."""
    text = TOPOLOGY.read_text().partition("\nexperiment:")[0]
    text = text.replace("count: 1000", f"count: {groups}")
    text = text.replace("198.18.0.0/22", "198.18.0.0/15")  # it covers more than 1,000
    text = text.replace("name: host-routes-1000", f"name: routes-{time.time_ns() % 10**9}")
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "growth.yaml"
        file.write_text(text)
        began = time.monotonic()
        with Lab.up(file) as lab:
            seconds, counter = time.monotonic() - began, RouteCounter(lab)
            counts = {name: counter.count(name) for name in lab.network.role("router")}
    routes = {name: (four.total, six.total) for name, (four, six) in counts.items()}
    return Point(groups, routes, counts["r1"][0].bytes, seconds)


def slope(points: Sequence[Point], router: str, family: int) -> float:
    """Routes for each group more, by least squares."""
    groups = [point.groups for point in points]
    return linear_regression(groups, [point.routes[router][family] for point in points]).slope


def table(points: Sequence[Point]) -> str:
    """The measurements as a Markdown table, and the slopes of every router."""
    lines = [
        "| groups | r1, inside | o2, outside, all routes | o1, outside, aggregated | r1's trie |",
        "| ---: | ---: | ---: | ---: | ---: |",
    ]
    for point in points:
        cells = [point.routes[name] for name in ("r1", UNAGGREGATED, AGGREGATED)]
        size = "not told" if point.bytes is None else f"{point.bytes // 1024} kB"
        shown = " | ".join(f"{four} + {six}" for four, six in cells)
        lines.append(f"| {point.groups} | {shown} | {size} |")
    lines += ["", "| router | routes a group, IPv4 | IPv6 |", "| --- | ---: | ---: |"]
    for name in (*INSIDE, UNAGGREGATED, AGGREGATED):
        slopes = " | ".join(f"{slope(points, name, family):.2f}" for family in (0, 1))
        lines.append(f"| {name} | {slopes} |")
    first, last = points[0], points[-1]
    if first.bytes is not None and last.bytes is not None and last.groups > first.groups:
        each = (last.bytes - first.bytes) / (last.groups - first.groups)
        lines += ["", f"An IPv4 host route takes {each:.0f} bytes of r1's trie."]
    return "\n".join(lines) + "\n"


def plot(points: Sequence[Point]) -> None:
    """Draw the IPv4 and IPv6 routes of a router inside, and of both outside."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "routes"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4))
    groups = [point.groups for point in points]
    for name, label, style in (
        ("r1", "r1, inside", "o-"),
        (UNAGGREGATED, "o2, outside, all routes", "x--"),
        (AGGREGATED, "o1, outside, aggregated", "s-"),
    ):
        axes.plot(groups, [point.routes[name][0] for point in points], style, label=label)
    axes.set_xlabel("groups")
    axes.set_ylabel("IPv4 routes")
    axes.legend()
    axes.grid(visible=True, alpha=0.3)
    figure.savefig(PLOT, metadata={"Date": None}, bbox_inches="tight")


def write(text: str) -> None:
    """Put the table into the page, in the place of the one before."""
    page = PAGE.read_text()
    inner = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
    PAGE.write_text(inner.sub(lambda _: f"{BEGIN}\n{text}\n{END}", page))


def main() -> int:
    """Measure, print, and write if asked; the status is 1 when a slope is not what it should be."""
    parser = argparse.ArgumentParser(prog="route-growth", description=__doc__)
    parser.add_argument("--groups", default=",".join(map(str, GROUPS)), help="as 1,1000,5000")
    parser.add_argument("--write", action="store_true", help="write docs/routes.md and its plot")
    options = parser.parse_args()
    points = []
    for groups in map(int, options.groups.split(",")):
        points.append(measure(groups))
        print(f"{groups} groups: up in {points[-1].seconds:.2f} s", file=sys.stderr, flush=True)
    text = table(points)
    print(text, end="")
    if options.write:
        write(text)
        plot(points)
    slopes = [
        round(slope(points, name, family), 6) == wanted
        for name, wanted in (*((one, 1) for one in INSIDE), (UNAGGREGATED, 1), (AGGREGATED, 0))
        for family in (0, 1)
    ]
    return 0 if all(slopes) else 1


if __name__ == "__main__":
    sys.exit(main())
