"""The step ``neighbours``: whom a node's ARP and ND caches believe to have an address, and why."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from anycastlab.errors import UsageError, did_you_mean
from anycastlab.experiments.amount import Amount, AmountField
from anycastlab.experiments.during import During, check_during, strikes
from anycastlab.experiments.fields import Duration, FamilyField, WantedField
from anycastlab.experiments.names import Complain, Names
from anycastlab.experiments.step import Context, Step
from anycastlab.experiments.verdict import Outcome
from anycastlab.probing.neighbour_story import COUNTS, Asked, Story, asking
from anycastlab.probing.neighbour_watch import NeighbourWatch, holders, ports_towards
from anycastlab.topology.network import Network

_LOOK_EVERY = 0.02
_BEFORE = 0.2


def _known(wanted: dict[str, Amount]) -> dict[str, Amount]:
    for kind, amount in wanted.items():
        if kind not in COUNTS:
            hint = did_you_mean(kind, COUNTS) or f"; counted are {', '.join(COUNTS)}"
            raise ValueError(f"no count of {kind!r}{hint}")
        if amount.percent:
            raise ValueError(f"expected a number of frames, not {amount}")
    return wanted


class Neighbours(BaseModel, Step):
    """What a node's neighbour cache holds for a group's addresses on its LAN, and who said so.

    The node is watched while its cache is asked anew, or while faults strike and the entries are
    used as traffic would.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    verb: ClassVar[str] = "neighbours"

    at: str = Field(description="The node whose cache it is.")
    of: str = Field(description="The group whose addresses are looked for.")
    family: FamilyField | None = None
    ask: int = Field(0, ge=0, le=1000, description="So often the entry is forgotten and asked for.")
    settle: Duration = Field(0.1, description="How long the answers of one asking are awaited.")
    holder: WantedField | None = Field(
        None, alias="is", description="Who is believed in the end: one of these nodes, or none."
    )
    state: str | None = Field(None, description="The state of the entry in the end, as stale.")
    within: Duration | None = Field(None, description="Look again until it is so, at most so long.")
    believed: Literal["first", "last"] | None = Field(
        None, description="Which answer was believed, each time it was asked."
    )
    winners: AmountField | None = Field(
        None, description="How many different nodes were believed, over all askings."
    )
    frames: Annotated[dict[str, AmountField], AfterValidator(_known)] = Field(
        {}, description="How many frames of each kind, as {requests: 1, replies: at least 3}."
    )
    use: Duration | None = Field(None, description="How often the entry is used, as 20ms.")
    before: Duration | None = Field(
        None, description="How long it is watched before the first fault (200ms), or without any."
    )
    apart: Duration = Field(0.2, description="The time between two faults, and after the last.")
    during: During = ()

    def check(self, names: Names, complain: Complain) -> None:
        """The nodes, the group, and what the faults name must exist."""
        here = names.want_node(self.at, ("at",), complain)
        if names.want_group(self.of, ("of",), complain) and here:
            names.want_on_link(self.at, self.of, ("of",), complain)
        for name in self.holder or ():
            names.want_node(name, ("is",), complain)
        check_during(self.during, names, complain)

    def run(self, context: Context) -> Outcome:
        """Watch, ask, let the faults strike; judge what is held in the end."""
        network = context.lab.network
        towards = [
            (address, port)
            for address, port in ports_towards(network, self.at, self.of)
            if self.family in (None, address.version)
        ]
        if not towards:
            raise UsageError(f"{self.of!r} has no such address on a LAN of {self.at!r}")
        with NeighbourWatch(context.lab, self.at, towards) as watch:
            asked = [self._ask(watch, network) for _ in range(self.ask)]
            self._strike(watch, context)
            self._await(watch, network)
        stories = self._stories(watch, network, asked)
        found = tuple(line for story in stories for line in self.differences(story))
        data = {"neighbours": [story.as_json() for story in stories]}
        return Outcome("; ".join(map(_summary, stories)), found, data=data)

    def _ask(self, watch: NeighbourWatch, network: Network) -> list[Asked]:
        """Have the node ask once; one of the result for each address."""
        watch.until(time.monotonic())
        already = [len(record.frames) for record in watch.records]
        watch.forget()
        watch.use()
        watch.until(time.monotonic() + self.settle)
        watch.look()
        names = holders(network)
        return [
            asking(record.frames[start:], record.held[-1], names)
            for record, start in zip(watch.records, already, strict=True)
        ]

    def _strike(self, watch: NeighbourWatch, context: Context) -> None:
        struck = strikes(self.during, context.lab)
        self._watch(watch, self.before or (_BEFORE if struck else 0.0))
        for strike in struck:
            strike.strike()
            self._watch(watch, self.apart)

    def _watch(self, watch: NeighbourWatch, seconds: float) -> None:
        """Watch for so long, and use the entries meanwhile."""
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end:
            if self.use is not None:
                watch.use()
            watch.until(min(end, now + (self.use or seconds)))

    def _await(self, watch: NeighbourWatch, network: Network) -> None:
        deadline = time.monotonic() + (self.within or 0.0)
        watch.look()
        while time.monotonic() < deadline and any(
            True for story in self._stories(watch, network, []) for _ in self._unheld(story)
        ):
            self._watch(watch, min(_LOOK_EVERY, deadline - time.monotonic()))
            watch.look()

    def _stories(
        self, watch: NeighbourWatch, network: Network, asked: Sequence[Sequence[Asked]]
    ) -> list[Story]:
        names = holders(network)
        return [
            Story(self.at, record, names, watch.began, [turn[place] for turn in asked])
            for place, record in enumerate(watch.records)
        ]

    def differences(self, story: Story) -> Iterator[str]:
        """Say what differs from what is expected."""
        for found in (self._unheld(story), self._disbelieved(story), self._miscounted(story)):
            for line in found:
                yield f"{self.at}, IPv{story.family}: {line}"

    def _unheld(self, story: Story) -> Iterator[str]:
        name, state = story.name(story.last.mac), story.last.state
        if self.holder is not None and (name not in self.holder if self.holder else name):
            wanted = " or ".join(self.holder) or "nobody"
            yield f"expected {wanted} to be believed, it is {name or 'nobody'} ({state})"
        if self.state is not None and state != self.state:
            yield f"expected the entry to be {self.state}, it is {state}"

    def _disbelieved(self, story: Story) -> Iterator[str]:
        if self.believed is None:
            return
        ends = [(one.first if self.believed == "first" else one.last) for one in story.asked]
        wrong = [one.believed != end or not end for one, end in zip(story.asked, ends, strict=True)]
        if any(wrong) or not wrong:
            times = f"{len(wrong) - sum(wrong)} of {len(wrong)} times"
            yield f"expected the {self.believed} answer to be believed, it was {times}"

    def _miscounted(self, story: Story) -> Iterator[str]:
        counts = story.counts()
        won = len({one.believed for one in story.asked if one.believed})
        if self.winners is not None and not self.winners.met(won, won):
            yield f"expected winners: {self.winners}, found {won}"
        for kind, amount in self.frames.items():
            if not amount.met(counts[kind], counts[kind]):
                yield f"expected {kind}: {amount}, found {counts[kind]}"


def _summary(story: Story) -> str:
    counts = story.counts()
    told = ", ".join(f"{kind} {count}" for kind, count in counts.items() if count)
    held = story.last
    holder = story.name(held.mac) or "nobody"
    return f"v{story.family} {holder} ({held.state}; {story.why(held)}){told and f'; {told}'}"
