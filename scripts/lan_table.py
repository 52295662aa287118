"""Measure failover by ARP and ND against probes and broadcasts, and write it into docs/lan.md.

For each setting of the timers one lab comes up, and in it the client several times, since a kernel
draws by chance how long it believes. Each time the client's entries are used for a while, nobody
dying: what is asked meanwhile is the cost. Then the believed member dies silently, at another time
of its entry's life, while a stream flows in both families. All of it is an experiment like any
other: --show prints the topology files.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lan_delays
import lan_plot

from anycastlab.experiments.events import Event, StepEnded
from anycastlab.experiments.runner import Runner
from anycastlab.experiments.script import check
from anycastlab.experiments.verdict import Verdict
from anycastlab.lab.handle import Lab
from anycastlab.probing.prober import Prober
from anycastlab.topology.load import load

DOCUMENT = Path(__file__).parents[1] / "docs/lan.md"
PLOT = DOCUMENT.with_suffix(".svg")
BEGIN, END = "<!-- measured -->\n", "<!-- end of measured -->"
TEMPLATE = """\
name: {name}
#     c1   s1   s3      s3 is believed, and dies; s1 gets the address when s3 does
#     -+----+----+-  lan1
nodes: {{c1: client, s1: server, s3: server}}
lans: {{lan1: {{nodes: [c1, s1, s3], subnet: [10.9.0.0/24, "2001:db8:9::/64"]}}}}
anycast: {{A: {{addresses: [10.9.0.100, "2001:db8:9::100"], members: [s1, s3]}}}}
{neighbour}experiment:
  - withdraw: s1
"""
HEAD = (
    *("reachable", "delay", "probes", "retrans"),
    *("outage, ARP", "outage, ND", "broadcasts a minute, ARP", "probes a minute, ARP"),
    *("multicasts a minute, ND", "probes a minute, ND"),
)


@dataclass(frozen=True, slots=True)
class Setting:
    """A row: the timers (ms), and how many times the member dies."""

    reachable: int
    delay: int
    probes: int
    retrans: int = 100
    deaths: int = 6
    own: bool = False
    """The kernel's own timers: nothing is set."""

    @property
    def name(self) -> str:
        """What --only looks for, and what stands for it in the JSON file."""
        return f"{time(self.reachable)} probes {self.probes}"

    @property
    def steady(self) -> float:
        """Seconds in which nobody dies: some ten lives of an entry."""
        return max(5.0, 10 * (self.reachable + self.delay) / 1000) if not self.own else 120.0

    @property
    def worst(self) -> float:
        """Seconds until a death is noticed at the latest, with something to spare."""
        return (1.5 * self.reachable + self.delay + self.probes * self.retrans) / 1000 + 1.0

    def document(self) -> str:
        """The topology file, with its experiment."""
        timers = (
            f"neighbour: {{reachable: {self.reachable}ms, delay: {self.delay}ms, "
            f"probes: {self.probes}, retrans: {self.retrans}ms}}\n"
        )
        use = min(20, self.reachable // 10)
        watched = self.steady / self.deaths
        steps = []
        for death in range(self.deaths):
            before = (self.reachable * (death + 0.5) / self.deaths) / 1000
            steps += [
                "kill: c1",
                "revive: c1",
                "neighbours: {at: c1, of: A, ask: 1, is: s3}",
                f"neighbours: {{at: c1, of: A, use: {use}ms, before: {watched:g}s, is: s3}}",
                "neighbours: {at: c1, of: A, ask: 1, is: s3}",
                f"stream: {{from: c1, to: A, protocol: udp, interval: 5ms, before: {before:g}s, "
                f"apart: 1ms, after: {self.worst:g}s, "
                "during: [{announce: s1}, {cut: [lan1, s3]}]}",
                "mend: [lan1, s3]",
                "withdraw: s1",
                'exec: {node: s3, run: "ping -c 1 -w 5 {c1.4} && ping -c 1 -w 5 {c1.6}"}',
            ]
        name = f"lan-table-{self.reachable}-{self.probes}"
        head = TEMPLATE.format(name=name, neighbour="" if self.own else timers)
        return head + "".join(f"  - {step}\n" for step in steps)

    def found(self, verdict: Verdict) -> dict[str, Any]:
        """Take what is measured out of the steps of the experiment."""
        return found_in(verdict, self)


TUNED = tuple(
    Setting(reachable, delay, probes)
    for reachable, delay in ((250, 50), (500, 100), (1000, 200), (2000, 400))
    for probes in (0, 1)
)
SETTINGS = (*TUNED, Setting(30_000, 5_000, 3, 1000, deaths=2, own=True))
ALL = (*SETTINGS, *lan_delays.DELAYS)


def time(milliseconds: float) -> str:
    """A time for people."""
    if milliseconds < 1000:
        return f"{milliseconds:g} ms"
    return f"{milliseconds / 1000:g} s"


def measure(setting: Setting | lan_delays.Delay) -> dict[str, Any]:
    """Run a setting's experiment; return what is found: numbers, as JSON."""

    def tell(event: Event) -> None:
        if isinstance(event, StepEnded) and not event.result.ok:
            result = event.result
            print(f"  {result.text}: {'; '.join(result.outcome.differences)}", file=sys.stderr)

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "lan-table.yaml")
        file.write_text(setting.document())
        document = load(file, also=[check])
        runner = Runner(lambda one: Lab.launch(one.network, one.path), Prober, tell)
        verdict = runner.run(document)
    if verdict.error is not None:
        print(f"  {setting.name}: {verdict.error}", file=sys.stderr)
    return setting.found(verdict)


def found_in(verdict: Verdict, setting: Setting) -> dict[str, Any]:
    """Take the outages (ms) and the rates (a minute) of each family out of the steps."""
    outages: dict[str, list[float | None]] = {"4": [], "6": []}
    rates: dict[str, dict[str, float]] = {}
    for step in verdict.steps:
        if step.outcome.stream is not None:
            for flow in step.outcome.stream.as_json()["flows"]:
                outages[str(flow["family"])].append(flow["gap_ms"])
        elif step.outcome.data is not None and "before:" in step.text:
            for seen in step.outcome.data["neighbours"]:
                family = "6" if ":" in seen["address"] else "4"
                for kind in rates.setdefault(family, {"requests": 0.0, "probes": 0.0}):
                    rates[family][kind] += seen["counts"][kind] * 60 / setting.steady
    return {"outages": outages, "rates": rates}


def row(setting: Setting, found: Mapping[str, Any]) -> list[str]:
    """The cells of a row."""
    head = [
        time(setting.reachable),
        time(setting.delay),
        f"{setting.probes}",
        time(setting.retrans),
    ]
    outages = [outage(found["outages"][family]) for family in ("4", "6")]
    rates = [
        f"{found['rates'][family][kind]:.0f}" if family in found["rates"] else "failed"
        for family in ("4", "6")
        for kind in ("requests", "probes")
    ]
    return [*head, *outages, *rates]


def outage(gaps: list[float | None]) -> str:
    """The mean, the least and the most, in seconds."""
    known = [gap / 1000 for gap in gaps if gap is not None]
    if not gaps or len(known) < len(gaps):
        return "failed"
    return f"{sum(known) / len(known):.2f} s ({min(known):.2f} to {max(known):.2f})"


def table(measured: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """The lines of the table in Markdown."""
    yield f"| {' | '.join(HEAD)} |"
    yield "|---" * len(HEAD) + "|"
    for setting in SETTINGS:
        if setting.name in measured:
            yield f"| {' | '.join(row(setting, measured[setting.name]))} |"


def put(lines: Iterable[str], document: Path) -> None:
    """Replace what stands between the two marks of a document."""
    head, _, rest = document.read_text(encoding="utf-8").partition(BEGIN)
    _, _, tail = rest.partition(END)
    body = "\n".join(lines)
    document.write_text(f"{head}{BEGIN}\n{body}\n\n{END}{tail}", encoding="utf-8")


def chosen(words: list[str]) -> list[Setting | lan_delays.Delay]:
    """The rows whose name has one of the words; without any all but that of the kernel's own."""
    if not words:
        return [*TUNED, *lan_delays.DELAYS]
    return [one for one in ALL if any(one.name.startswith(word) for word in words)]


def main() -> int:
    """Measure, print, and write; 1 when something could not be measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=[], metavar="WORD", help="rows, by beginnings")
    parser.add_argument("--json", metavar="FILE", help="add to what FILE has, and write it there")
    parser.add_argument("--again", action="store_true", help="measure nothing, show what FILE has")
    parser.add_argument("--show", action="store_true", help="print the topology files and end")
    parser.add_argument("--write", action="store_true", help="write docs/lan.md, docs/lan.svg")
    options = parser.parse_args()
    if options.show:
        for setting in chosen(options.only):
            print(f"---\n# {setting.name}\n{setting.document()}")
        return 0
    kept = Path(options.json) if options.json else None
    measured = json.loads(kept.read_text()) if kept is not None and kept.exists() else {}
    for setting in chosen(options.only) if not options.again else ():
        print(setting.name, file=sys.stderr, flush=True)
        measured[setting.name] = measure(setting)
        if kept is not None:
            kept.write_text(json.dumps(measured))
    lines = [*table(measured), "", *lan_delays.table(measured)]
    print("\n".join(lines))
    if options.write:
        put(lines, DOCUMENT)
        lan_plot.draw(measured, [one.name for one in SETTINGS], PLOT)
    return int(any("failed" in line for line in lines))


if __name__ == "__main__":
    sys.exit(main())
