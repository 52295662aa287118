"""Measure join, leave and death of a member, each way it can be announced, for docs/membership.md.

For each way one lab comes up, in which a stream flows from the client while the nearer member
joins, takes leave, and dies with its carrier up; each of it several times. All of it is an
experiment like any other: --show prints the topology files.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from failover_table import gap, put

from anycastlab.experiments.events import Event, StepEnded
from anycastlab.experiments.load import load_checked
from anycastlab.experiments.runner import Runner
from anycastlab.lab.handle import Lab
from anycastlab.probing.prober import Prober
from anycastlab.probing.timeline import FlowTimeline, Timeline
from anycastlab.topology.routing_models import PROTOCOLS

DOCUMENT = Path(__file__).parents[1] / "docs/membership.md"
TEMPLATE = """\
name: membership-table
#     c1 - r1 - r2 - s1         s1 is nearer, two routers from c1
#          |
#          r3 - r4 - s2
nodes: {{r1: router, r2: {router}, r3: router, r4: {router}, c1: client, s1: {host}, s2: {host}}}
links: [[c1, r1], [r1, r2], [s1, r2], [r1, r3], [r3, r4], [s2, r4]]
anycast: {{A: {{addresses: {addresses}, members: {{s1: {how}, s2: {how}}}}}}}
routing: {routing}
experiment:
"""
ADDRESS = {4: "192.0.2.1", 6: '"2001:db8:a::1"'}
INTERVAL = {"fast": "2ms", "default": "20ms"}
BEFORE = {"fast": "1s", "default": "20s"}
"""Longer than the hold-down, in which a member that left is not announced again."""
SETTLES = {"fast": "30s", "default": "400s"}
Times = Mapping[str, Sequence[float | None]]
"""Seconds of joins, leaves and deaths; None: it did not come about."""


@dataclass(frozen=True, slots=True)
class Way:
    """A row: a value of ``announce:``; how long (s) a leave and a death may take, by profile."""

    name: str
    families: tuple[int, ...]
    leave: Mapping[str, int]
    death: Mapping[str, int]
    rule: str

    def document(self, profile: str, times: int) -> str:
        """The topology file, with its experiment."""
        agents = self.name in ("mld", "igmp", "nd")
        protocol = {"exabgp": "bgp"}.get(self.name, self.name)
        spoken = protocol in PROTOCOLS["bird"]

        def node(role: str, agent: str) -> str:
            options = f"{{role: {role}, run: [{{{agent}: {{timers: {profile}}}}}]}}"
            return options if agents else role

        head = TEMPLATE.format(
            router=node("router", "membership-router"),
            host=node("server", "membership-host"),
            addresses=f"[{', '.join(ADDRESS[family] for family in self.families)}]",
            how=f"{{announce: {self.name}}}",
            routing=f"{{daemon: bird, protocol: {protocol}, timers: {profile}}}"
            if spoken
            else "kernel",
        )
        return head + "".join(f"  - {step}\n" for step in self.steps(profile) * times)

    def steps(self, profile: str) -> list[str]:
        """Join, leave and death, once, and all well again; the streams in this order."""
        settles = SETTLES[profile]

        def stream(strike: str, seconds: int) -> str:
            return (
                f"stream: {{from: c1, to: A, interval: {INTERVAL[profile]}, "
                f"before: {BEFORE[profile]}, after: {seconds}s, during: [{{{strike}}}]}}"
            )

        def at(member: str) -> str:
            return f"expect: {{from: c1, to: A, instance: {member}, within: {settles}}}"

        leave, death = self.leave[profile], self.death[profile]
        return [
            *("withdraw: s1", at("s2"), stream("announce: s1", leave), at("s1")),
            *(stream("withdraw: s1", leave), at("s2"), "announce: s1", at("s1")),
            *(stream("blackhole: {node: s1}", death), "clear: {node: s1}", at("s1")),
        ]


def way(name: str, families: tuple[int, ...], rule: str, *seconds: int) -> Way:
    """A row; *seconds* for leave and death, at fast timers and at the protocol's own."""
    fast, slow, default, defaults_slow = seconds
    leave, death = {"fast": fast, "default": default}, {"fast": slow, "default": defaults_slow}
    return Way(name, families, leave, death, rule)


BOTH = (4, 6)
MLD_RULE = "2 queries + response: 1.1 s; 260 s"
WAYS = (
    way("static", BOTH, "none: nobody asks", 1, 2, 3, 10),
    way("rip", BOTH, "timeout: 6 s; 180 s", 6, 14, 60, 260),
    way("ospf", BOTH, "dead interval: 4 s; 40 s", 8, 10, 30, 70),
    way("bgp", BOTH, "hold time: 3 s; 90 s in RFC 4271, 240 s in BIRD", 3, 6, 30, 260),
    way("babel", BOTH, "hellos missed, at most 3.5 updates: 7 s; 56 s", 6, 14, 60, 120),
    way("exabgp", BOTH, "hold time, as bgp; it looks for orders at each check", 6, 6, 30, 260),
    way("mld", (6,), MLD_RULE, 2, 4, 10, 280),
    way("igmp", (4,), MLD_RULE, 2, 4, 10, 280),
    way("nd", (6,), MLD_RULE, 3, 4, 280, 280),
)
NO_VIRTUAL = "exabgp"
"""It tells its sessions apart by the clock, which in virtual time stands still while it reads."""
WHAT = ("join", "leave", "death")


def measure(row: Way, profile: str, times: int) -> Times:
    """Run a row's experiment; return its times, those of both families together."""
    streams: list[Timeline] = []

    def tell(event: Event) -> None:
        if not isinstance(event, StepEnded):
            return
        if event.result.outcome.stream is not None:
            streams.append(event.result.outcome.stream)  # where it ends is not judged
        elif not event.result.ok:
            what = "; ".join(event.result.outcome.differences)
            print(f"  {event.result.text}: {what}", file=sys.stderr)

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "membership-table.yaml")
        file.write_text(row.document(profile, times))
        runner = Runner(lambda one: Lab.launch(one.network, one.path), Prober, tell)
        verdict = runner.run(load_checked(file))
    if verdict.error is not None:
        print(f"  {row.name}: {verdict.error}", file=sys.stderr)
    found: dict[str, list[float | None]] = {what: [] for what in WHAT}
    for number, stream in enumerate(streams):
        what = WHAT[number % len(WHAT)]
        found[what] += [seconds(what, flow, stream.zero) for flow in stream.flows]
    return found


def seconds(what: str, flow: FlowTimeline, zero: int) -> float | None:
    """How long it took in one flow, from *zero* on (ns, real time).

    A join: to the first packet at s1. A leave: to the last one there, if s2 has them then. A death:
    to the first one at s2.
    """
    after = [run for run in flow.runs if run.last >= zero]
    of = {name: [run for run in after if run.instance == name] for name in ("s1", "s2")}
    if what == "join":
        stamps = [run.first for run in of["s1"]]
    elif what == "leave":
        stamps = [max([zero, *(run.last for run in of["s1"])])] if flow.new == "s2" else []
    else:
        stamps = [run.first for run in of["s2"]]
    return max(min(stamps) - zero, 0) / 1e9 if stamps else None


def table(measured: Mapping[str, Times], rows: Sequence[Way]) -> Iterator[str]:
    """The lines of the table in Markdown."""
    yield "| `announce:` | join | leave | silent death | its rule: fast; default |"
    yield "|---|---|---|---|---|"
    for row in rows:
        cells = [cell(measured[row.name].get(what, [])) for what in WHAT]
        yield f"| `{row.name}` | {' | '.join(cells)} | {row.rule} |"


def cell(found: Sequence[float | None]) -> str:
    """The median, and least and most if they differ; what never came about is said."""
    if not found:
        return "failed"
    known = [one for one in found if one is not None]
    if not known:
        return "never noticed"
    middle = gap(statistics.median(known) * 1e3)
    span = f" ({gap(min(known) * 1e3)} to {gap(max(known) * 1e3)})" if len(known) > 1 else ""
    missing = f"; {len(found) - len(known)} of {len(found)} never" if None in found else ""
    return middle + span + missing


def main() -> int:
    """Measure, print, and write; 1 when something could not be measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--timers", choices=sorted(INTERVAL), default="fast")
    parser.add_argument("--times", type=int, default=3, metavar="N", help="how often each (3)")
    parser.add_argument("--only", nargs="*", default=[], metavar="WAY", help="some ways")
    parser.add_argument("--json", metavar="FILE", help="add to what FILE has, and write it there")
    parser.add_argument("--show", action="store_true", help="print the topology files and end")
    parser.add_argument("--write", action="store_true", help="put the table into the document")
    options = parser.parse_args()
    rows = [row for row in WAYS if not options.only or row.name in options.only]
    if options.timers == "default":
        rows = [row for row in rows if row.name != NO_VIRTUAL]
    if options.show:
        for row in rows:
            print(f"---\n# {row.name}\n{row.document(options.timers, options.times)}")
        return 0
    kept = Path(options.json) if options.json else None
    measured: dict[str, Times] = {}
    if kept is not None and kept.exists():
        measured = json.loads(kept.read_text())
    for row in rows:
        print(f"{row.name}, {options.timers} timers", file=sys.stderr, flush=True)
        measured[row.name] = measure(row, options.timers, options.times)
        if kept is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(json.dumps(measured))
    lines = list(table(measured, [row for row in WAYS if row.name in measured]))
    print("\n".join(lines))
    if options.write:
        put(options.timers, lines, DOCUMENT)
    return int(any("failed" in line for line in lines))


if __name__ == "__main__":
    sys.exit(main())
