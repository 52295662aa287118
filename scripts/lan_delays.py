"""How long the kernel's own anycast waits before it answers (RFC 4861, section 7.2.7), measured.

Three routers hold the address; a client forgets it and asks for it, again and again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

from anycastlab.experiments.verdict import Verdict

MEMBERS = ("m1", "m2", "m3")
HEAD = (
    *("anycast-delay", "answers", "least", "a quarter within", "half", "three quarters", "most"),
    *("the first of three, half within", "believed"),
)
TEMPLATE = """\
name: lan-delay-{delay}
nodes: {{c1: client, m1: router, m2: router, m3: router}}
lans: {{lan1: {{nodes: [c1, m1, m2, m3], subnet: "2001:db8:9::/64"}}}}
anycast: {{K: {{addresses: {{address: "2001:db8:9::100", mode: rfc2373}}, members: [m1, m2, m3]}}}}
{neighbour}experiment:
  - neighbours: {{at: c1, of: K, ask: {asked}, settle: {settle}ms, believed: first}}
"""


@dataclass(frozen=True, slots=True)
class Delay:
    """A row: the longest random wait (ms), and how often it is asked."""

    delay: int
    asked: int = 60
    own: bool = False
    """The kernel's own wait: nothing is set."""

    @property
    def name(self) -> str:
        """What --only looks for, and what stands for it in the JSON file."""
        return f"anycast-delay {self.delay} ms"

    def document(self) -> str:
        """The topology file, with its experiment."""
        timers = "" if self.own else f"neighbour: {{anycast-delay: {self.delay}ms}}\n"
        settle = self.delay + 100
        return TEMPLATE.format(delay=self.delay, neighbour=timers, asked=self.asked, settle=settle)

    def found(self, verdict: Verdict) -> dict[str, Any]:
        """Take the waits (ms) out of the step: of all answers, of the first ones; who won."""
        waits: list[float] = []
        firsts: list[float] = []
        winners = Counter[str]()
        for step in verdict.steps:
            for seen in (step.outcome.data or {}).get("neighbours", ()):
                for asking in _askings(seen["frames"]):
                    waits += asking
                    firsts += asking[:1]
                winners.update(one["believed"] for one in seen["asked"])
        return {"waits": waits, "firsts": firsts, "winners": dict(winners)}


OWN = Delay(800, own=True)
"""Linux waits up to 80 hundredths of a second (proxy_delay), not the whole second of the RFC."""
DELAYS = (Delay(100), OWN)


def _askings(frames: list[Mapping[str, Any]]) -> Iterator[list[float]]:
    """Yield for each question the time (ms) until each of its answers."""
    asked, found = 0.0, list[float]()
    for frame in frames:
        if frame["kind"] == "request":
            yield found
            asked, found = frame["at"], []
        elif frame["kind"] == "reply":
            found.append(round((frame["at"] - asked) * 1000, 3))
    yield found


def row(one: Delay, found: Mapping[str, Any]) -> list[str]:
    """The cells of a row."""
    waits, winners = found["waits"], found["winners"]
    if len(waits) < len(MEMBERS) * one.asked:
        return [f"{one.delay} ms", f"{len(waits)}", *["failed"] * (len(HEAD) - 2)]
    shown = (min(waits), *quantiles(waits), max(waits), median(found["firsts"]))
    believed = ", ".join(f"{member} {winners.get(member, 0)}" for member in MEMBERS)
    return [f"{one.delay} ms", f"{len(waits)}", *(f"{wait:.0f} ms" for wait in shown), believed]


def table(measured: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """The lines of the table in Markdown; none when nothing was measured."""
    known = [one for one in DELAYS if one.name in measured]
    if known:
        yield f"| {' | '.join(HEAD)} |"
        yield "|---" * len(HEAD) + "|"
    for one in known:
        yield f"| {' | '.join(row(one, measured[one.name]))} |"
