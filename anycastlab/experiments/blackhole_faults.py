"""Faults in which packets die and the carrier stays: ``blackhole`` and ``clear``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from anycastlab.experiments.fault import Fault
from anycastlab.experiments.link_faults import Ends
from anycastlab.experiments.names import Complain, Names
from anycastlab.experiments.words import model_of, place
from anycastlab.lab.ways import WAYS_OF_LINK, WAYS_OF_NODE, Way

if TYPE_CHECKING:
    from anycastlab.lab.handle import Lab


class PlaceFault(BaseModel, Fault):
    """A fault of a link (or of a port on a LAN), or of all that a node is joined to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    link: Ends | None = Field(None, description="The two ends of a link.")
    node: str | None = Field(None, description="A node: all its links.")

    @model_validator(mode="after")
    def one_place(self) -> Self:
        """Refuse no place, and two."""
        if (self.link is None) == (self.node is None):
            raise ValueError("where? give link: [a, b] or node: a")
        return self

    def check(self, names: Names, complain: Complain) -> None:
        """The link or the node must exist."""
        if self.link is not None:
            names.want_link(*self.link, complain, ("link",))
        if self.node is not None:
            names.want_node(self.node, ("node",), complain)

    @property
    def place(self) -> tuple[str, str | None]:
        """The two ends; a node, and None."""
        return self.link or (self.node or "", None)

    @property
    def shown(self) -> str:
        """The place in words."""
        return "-".join(end for end in self.place if end)


class Blackhole(PlaceFault):
    """Packets vanish on a link or around a node, one way or both, and the carrier stays."""

    verb: ClassVar[str] = "blackhole"
    arguments: ClassVar[tuple[str, ...]] = ("A,B|NODE", "both|there|back|out|in")

    way: Way = Field("both", description="Of a link: there or back; of a node: out or in.")

    @model_validator(mode="after")
    def fitting_way(self) -> Self:
        """Refuse a link's way for a node, and the other way round."""
        ways = WAYS_OF_NODE if self.link is None else WAYS_OF_LINK
        if self.way not in ways:
            kind = "node" if self.link is None else "link"
            raise ValueError(f"the way of a {kind} is one of {', '.join(ways)}; not {self.way}")
        return self

    @classmethod
    def from_words(cls, words: Sequence[str]) -> Self:
        """Make it of a place and a way."""
        where, way = words
        return model_of(cls, {**place(where), "way": way})

    def strike(self, lab: Lab) -> None:
        """Let packets vanish."""
        lab.blackhole(*self.place, self.way)

    def repair(self, lab: Lab) -> Fault:
        """To let them through."""
        return Clear(link=self.link, node=self.node)

    def done(self) -> str:
        """Say so."""
        way = "" if self.way == "both" else f" ({self.way})"
        return f"{self.shown} is a black hole{way}"


class Clear(PlaceFault):
    """A black hole lets packets through again."""

    verb: ClassVar[str] = "clear"
    arguments: ClassVar[tuple[str, ...]] = ("A,B|NODE",)

    @classmethod
    def from_words(cls, words: Sequence[str]) -> Self:
        """Make it of a place."""
        (where,) = words
        return model_of(cls, place(where))

    def strike(self, lab: Lab) -> None:
        """Let packets through."""
        lab.clear(*self.place)

    def repair(self, lab: Lab) -> Fault:
        """To let them vanish as they do now."""
        return Blackhole(link=self.link, node=self.node, way=way_now(lab, *self.place))

    def done(self) -> str:
        """Say so."""
        return f"{self.shown} lets packets through"


def way_now(lab: Lab, a: str, b: str | None) -> Way:
    """The way of a black hole as it was asked for: of a link, as seen from *a*."""
    for hole in lab.status()["black_holes"]:
        if {*hole["place"]} == {a, *([b] if b else [])}:
            way: Way = hole["way"]
            turned: dict[Way, Way] = {"there": "back", "back": "there"}
            return way if hole["place"][0] == a else turned.get(way, way)
    return "both"
