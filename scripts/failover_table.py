"""Measure every fault under every control plane, and write the table in docs/failover.md.

For each control plane one lab comes up; in it each fault strikes while a stream flows from the
client in both families, is repaired, and the lab converges again before the next. All of it is an
experiment like any other: --show prints the topology files.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anycastlab.experiments.events import Event, StepEnded
from anycastlab.experiments.runner import Runner
from anycastlab.experiments.script import check
from anycastlab.experiments.verdict import Verdict
from anycastlab.lab.handle import Lab
from anycastlab.probing.prober import Prober
from anycastlab.topology.load import load

DOCUMENT = Path(__file__).parents[1] / "docs/failover.md"
TEMPLATE = """\
name: failover-table
#     c1 - r1 - r2 - s1         s1 is nearer by every protocol's measure
#          |
#          r3 - r4 - r5 - s2
nodes:
  {{r1: router, r2: router, r3: router, r4: router, r5: router, c1: client, s1: server, s2: server}}
links: [[c1, r1], [r1, r2], [s1, r2], [r1, r3], [r3, r4], [r4, r5], [s2, r5]]
anycast: {{A: {{members: [s1, s2]}}}}
routing: {routing}
experiment:
"""
INTERVAL = {"fast": "1ms", "default": "20ms"}
RECONVERGES = {"fast": "60s", "default": "600s"}


@dataclass(frozen=True, slots=True)
class Plane:
    """A column: the options of `routing:` and, by profile, how long its timers may take (s).

    ``quick`` is for a fault that a lost carrier or a farewell shows, ``slow`` for one that only
    silence shows.
    """

    name: str
    routing: str
    quick: Mapping[str, int]
    slow: Mapping[str, int]

    def document(self, profile: str) -> str:
        """The topology file, with its experiment."""
        routing = self.routing.replace("TIMERS", profile)
        steps = ["catchment: {group: A, is: predicted, within: 60s}"]
        for fault in self.faults():
            after = (self.slow if fault.silent else self.quick)[profile]
            steps += [
                f"stream: {{from: c1, to: A, interval: {INTERVAL[profile]}, after: {after}s, "
                f"during: [{{{fault.strike}}}]}}",
                fault.repair,
                f"catchment: {{group: A, is: predicted, within: {RECONVERGES[profile]}}}",
            ]
        return TEMPLATE.format(routing=routing) + "".join(f"  - {step}\n" for step in steps)

    @property
    def polls(self) -> bool:
        """Whether a daemon polls instead of waiting (FRR's bfdd), which stops a virtual clock."""
        return "frr" in self.routing and "bfd" in self.routing

    def faults(self) -> list[Fault]:
        """The rows that make sense for it."""
        return [fault for fault in FAULTS if "daemon:" in self.routing or not fault.of_daemons]


@dataclass(frozen=True, slots=True)
class Fault:
    """A row: what strikes and what repairs it, as steps are written."""

    name: str
    strike: str
    repair: str
    silent: bool = False
    of_daemons: bool = False


def plane(name: str, routing: str, *seconds: int) -> Plane:
    """A column; *seconds* are quick and slow, first at fast timers, then at the protocol's own."""
    fast, slow, default, defaults_slow = seconds
    return Plane(
        name,
        routing,
        {"fast": fast, "default": default},
        {"fast": slow, "default": defaults_slow},
    )


PLANES = (
    plane("kernel", "kernel", 1, 2, 5, 5),
    plane("BIRD eBGP", "{daemon: bird, protocol: bgp, timers: TIMERS}", 3, 5, 20, 260),
    plane(
        "BIRD eBGP, BFD", "{daemon: bird, protocol: bgp, timers: TIMERS, bfd: true}", 3, 3, 20, 20
    ),
    plane("BIRD OSPF", "{daemon: bird, protocol: ospf, timers: TIMERS}", 8, 8, 30, 60),
    plane("BIRD RIP", "{daemon: bird, protocol: rip, timers: TIMERS}", 6, 12, 60, 240),
    plane("BIRD Babel", "{daemon: bird, protocol: babel, timers: TIMERS}", 6, 10, 60, 90),
    plane("FRR OSPF", "{daemon: frr, protocol: ospf, timers: TIMERS}", 8, 8, 30, 60),
    plane("FRR eBGP", "{daemon: frr, protocol: bgp, timers: TIMERS}", 3, 5, 20, 200),
    plane("FRR eBGP, BFD", "{daemon: frr, protocol: bgp, timers: TIMERS, bfd: true}", 3, 3, 20, 20),
)
FAULTS = (
    Fault("kill the instance", "kill: s1", "revive: s1"),
    Fault("cut the link before its router", "cut: [r1, r2]", "mend: [r1, r2]"),
    Fault(
        "black hole on that link",
        "blackhole: {link: [r1, r2]}",
        "clear: {link: [r1, r2]}",
        silent=True,
    ),
    Fault(
        "stop its router's daemon, TERM",
        "stop-daemon: {node: r2, signal: TERM}",
        "start-daemon: r2",
        silent=True,
        of_daemons=True,
    ),
    Fault(
        "stop its router's daemon, KILL",
        "stop-daemon: {node: r2, signal: KILL}",
        "start-daemon: r2",
        silent=True,
        of_daemons=True,
    ),
    Fault("withdraw the instance", "withdraw: s1", "announce: s1"),
)


def measure(column: Plane, profile: str) -> dict[str, Any]:
    """Run a column's experiment; return for each fault its flows, as `failover --json` has them."""

    def tell(event: Event) -> None:
        # where a stream ends is not judged: no prediction knows of black holes
        if isinstance(event, StepEnded) and not event.result.outcome.stream:
            if event.result.ok:
                return
            result = event.result
            print(f"  {result.text}: {'; '.join(result.outcome.differences)}", file=sys.stderr)

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "failover-table.yaml")
        file.write_text(column.document(profile))
        document = load(file, also=[check])
        runner = Runner(lambda one: Lab.launch(one.network, one.path), Prober, tell)
        verdict = runner.run(document)
    if verdict.error is not None:
        print(f"  {column.name}: {verdict.error}", file=sys.stderr)
    return dict(zip([fault.name for fault in column.faults()], flows(verdict), strict=False))


def flows(verdict: Verdict) -> Iterator[list[dict[str, Any]]]:
    """The flows of each stream of an experiment, in turn."""
    for step in verdict.steps:
        if step.outcome.stream is not None:
            yield step.outcome.stream.as_json()["flows"]


def table(measured: Mapping[str, Mapping[str, Any]], columns: Sequence[Plane]) -> Iterator[str]:
    """The lines of the table in Markdown."""
    yield "| | " + " | ".join(column.name for column in columns) + " |"
    yield "|---" * (len(columns) + 1) + "|"
    for fault in FAULTS:
        cells = [cell(column, fault, measured.get(column.name, {})) for column in columns]
        yield f"| {fault.name} | {' | '.join(cells)} |"


def cell(column: Plane, fault: Fault, found: Mapping[str, Any]) -> str:
    """Gap and losses of both families; a dash where a fault makes no sense."""
    if fault not in column.faults():
        return "—"
    if fault.name not in found:
        return "failed"
    return "<br>".join(f"{gap(flow['gap_ms'])}, {flow['lost']} lost" for flow in found[fault.name])


def gap(milliseconds: float | None) -> str:
    """A time for people: as it is in the table."""
    if milliseconds is None:
        return "no end"
    return f"{milliseconds:.1f} ms" if milliseconds < 1000 else f"{milliseconds / 1e3:.2f} s"


def put(profile: str, lines: Iterable[str], document: Path | None = None) -> None:
    """Replace the table of a profile in a document: what stands between its two marks."""
    document = document or DOCUMENT
    text = document.read_text(encoding="utf-8")
    begin, end = f"<!-- {profile} -->\n", f"<!-- end of {profile} -->"
    head, _, rest = text.partition(begin)
    _, _, tail = rest.partition(end)
    body = "\n".join(lines)
    document.write_text(f"{head}{begin}\n{body}\n\n{end}{tail}", encoding="utf-8")


def chosen(words: Sequence[str]) -> list[Plane]:
    """The columns whose name has one of the words, all without any; those that can be measured."""
    virtual = "ANYCASTLAB_VIRTUAL_TIME" in os.environ
    known = [column for column in PLANES if not (virtual and column.polls)]
    return [column for column in known if not words or any(word in column.name for word in words)]


def main() -> int:
    """Measure, print, and write; 1 when something could not be measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--timers", choices=sorted(INTERVAL), default="fast")
    parser.add_argument("--only", nargs="*", default=[], metavar="WORD", help="columns, by words")
    parser.add_argument("--json", metavar="FILE", help="add to what FILE has, and write it there")
    parser.add_argument("--show", action="store_true", help="print the topology files and end")
    parser.add_argument("--write", action="store_true", help="put the table into docs/failover.md")
    options = parser.parse_args()
    columns = chosen(options.only)
    if options.show:
        for column in columns:
            print(f"---\n# {column.name}\n{column.document(options.timers)}")
        return 0
    kept = Path(options.json) if options.json else None
    measured = json.loads(kept.read_text()) if kept is not None and kept.exists() else {}
    for column in columns:
        print(f"{column.name}, {options.timers} timers", file=sys.stderr, flush=True)
        measured[column.name] = measure(column, options.timers)
        if kept is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(json.dumps(measured))
    shown = [column for column in PLANES if column.name in measured]
    lines = list(table(measured, shown))
    print("\n".join(lines))
    if options.write:
        put(options.timers, lines)
    return int(any("failed" in line for line in lines))


if __name__ == "__main__":
    sys.exit(main())
