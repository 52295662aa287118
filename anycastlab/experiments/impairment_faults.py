"""Faults that let a link do something to packets, and no more: ``impair`` and ``restore``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from anycastlab.experiments.fault import Fault
from anycastlab.experiments.link_faults import Ends, LinkFault
from anycastlab.experiments.names import Complain, Names
from anycastlab.experiments.words import model_of, pairs
from anycastlab.topology.network import Impairment, Network
from anycastlab.topology.units import BitsPerSecond, Seconds, Share

if TYPE_CHECKING:
    from anycastlab.lab.handle import Lab


class Impair(BaseModel, Fault):
    """The link delays, loses, limits, duplicates or reorders packets, the same each way.

    What is not named here is as written in the topology.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    verb: ClassVar[str] = "impair"
    arguments: ClassVar[tuple[str, ...]] = ("A", "B", "KEY=VALUE,...")

    link: Ends
    delay: Seconds = Field(0.0, description="Added to each packet each way, as 5ms.")
    jitter: Seconds = Field(0.0, description="How much the delay varies, as 1ms.")
    loss: Share = Field(0.0, description="The share of packets lost each way, as 1%.")
    rate: BitsPerSecond | None = Field(None, description="The capacity each way, as 10mbit.")
    duplicate: Share = Field(0.0, description="The share of packets that arrive twice.")
    reorder: Share = Field(0.0, description="The share of packets that are not delayed.")

    @model_validator(mode="after")
    def does_something(self) -> Self:
        """Refuse a fault that names no impairment."""
        if not self.changes:
            raise ValueError("impairs nothing: give delay, jitter, loss, rate, duplicate, reorder")
        return self

    @property
    def changes(self) -> dict[str, Any]:
        """What is named, as fields of Impairment."""
        return {key: getattr(self, key) for key in sorted(self.model_fields_set - {"link"})}

    @classmethod
    def from_words(cls, words: Sequence[str]) -> Self:
        """Make it of the two ends and ``delay=10ms,loss=1%``."""
        a, b, changes = words
        return model_of(cls, {"link": (a, b), **pairs(changes)})

    def check(self, names: Names, complain: Complain) -> None:
        """The link must exist, and be one of two ends."""
        names.want_link(*self.link, complain, ("link",))
        for place, end in enumerate(self.link):
            if end in names.lans:
                complain(("link", place), f"{end!r} is a LAN; only a link can be impaired")

    def strike(self, lab: Lab) -> None:
        """Impair the link."""
        lab.impair(*self.link, **self.changes)

    def repair(self, lab: Lab) -> Fault:
        """To have it as written."""
        return Restore(self.link)

    def done(self) -> str:
        """Say so."""
        shown = ", ".join(f"{key} {_shown(key, value)}" for key, value in self.changes.items())
        return f"{'-'.join(self.link)} has {shown}"


def impairable(network: Network, experiment: object) -> Network:
    """Let every link that a step *impair* names, however deep, be built to be impaired."""
    wanted = {frozenset(ends) for ends in _named(experiment)}
    links = tuple(
        replace(link, impairment=link.impairment or Impairment())
        if {link.a.node, link.b.node} in wanted
        else link
        for link in network.links
    )
    return replace(network, links=links)


def _named(raw: object) -> Iterator[tuple[str, str]]:
    if isinstance(raw, list):
        for entry in raw:
            yield from _named(entry)
    if isinstance(raw, dict):
        for key, value in raw.items():
            if key == Impair.verb and isinstance(value, dict) and "link" in value:
                yield value["link"]
            else:
                yield from _named(value)


def _shown(key: str, value: float | None) -> str:
    if value is None:
        return "none"
    if key == "rate":
        return f"{value / 1e6:g} Mbit/s"
    return f"{value * 1e3:g} ms" if key in ("delay", "jitter") else f"{value * 100:g} %"


class Restore(LinkFault):
    """An impaired link is as written in the topology again."""

    verb: ClassVar[str] = "restore"

    def strike(self, lab: Lab) -> None:
        """Restore the link."""
        lab.impair(*self.root)

    def repair(self, lab: Lab) -> Fault:
        """To impair it as it is now."""
        ends = set(self.root)
        names = [link.name for link in lab.network.links if {link.a.node, link.b.node} == ends]
        now: dict[str, Any] = next(
            (one for one in lab.status()["impaired"] if one["link"] in names), {}
        )
        fields = asdict(Impairment())
        values = {key: now.get(key, default) for key, default in fields.items()}
        return Impair.model_construct({"link", *fields}, link=self.root, **values)

    def done(self) -> str:
        """Say so."""
        return f"{'-'.join(self.root)} is as written"
