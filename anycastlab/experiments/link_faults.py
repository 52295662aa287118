"""Faults of links: ``cut``, ``mend`` and ``set-cost``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    RootModel,
    ValidationError,
)

from anycastlab.errors import UsageError
from anycastlab.experiments.fault import Fault
from anycastlab.experiments.names import Complain, Names
from anycastlab.topology.models import Cost

if TYPE_CHECKING:
    from anycastlab.lab.handle import Lab


def two_ends(value: object) -> object:
    """Pass a list of two names on; ValueError for anything else."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError("expected the two ends of a link, as [a, b]")
    return value


Ends = Annotated[tuple[str, str], BeforeValidator(two_ends)]
"""The two ends of a link: two nodes, or a node and the LAN it has a port on."""

NUMBER = re.compile("[0-9]{1,9}")


class LinkFault(RootModel[Ends], Fault):
    """A fault whose argument is the two ends of a link."""

    model_config = ConfigDict(frozen=True)
    arguments: ClassVar[tuple[str, ...]] = ("A", "B")

    @classmethod
    def from_words(cls, words: Sequence[str]) -> Self:
        """Make it of the names of the two ends."""
        a, b = words
        return cls((a, b))

    def check(self, names: Names, complain: Complain) -> None:
        """The link must exist."""
        names.want_link(*self.root, complain)


class Cut(LinkFault):
    """The link loses its carrier at both ends."""

    verb: ClassVar[str] = "cut"

    def strike(self, lab: Lab) -> None:
        """Cut the link."""
        lab.cut(*self.root)

    def repair(self, lab: Lab) -> Fault:
        """To mend it."""
        return Mend(self.root)

    def done(self) -> str:
        """Say so."""
        return f"{'-'.join(self.root)} is cut"


class Mend(LinkFault):
    """A cut link carries packets again."""

    verb: ClassVar[str] = "mend"

    def strike(self, lab: Lab) -> None:
        """Mend the link."""
        lab.mend(*self.root)

    def repair(self, lab: Lab) -> Fault:
        """To cut it again."""
        return Cut(self.root)

    def done(self) -> str:
        """Say so."""
        return f"{'-'.join(self.root)} carries packets again"


def both_ways(value: object) -> object:
    """Turn one cost into a pair: there, back."""
    return (value, value) if isinstance(value, int) else value


class SetCost(BaseModel, Fault):
    """A link gets another cost, one for both ways or one for each."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    verb: ClassVar[str] = "set-cost"
    arguments: ClassVar[tuple[str, ...]] = ("A", "B", "COST")

    link: Ends
    cost: Annotated[tuple[Cost, Cost], BeforeValidator(both_ways)]

    @classmethod
    def from_words(cls, words: Sequence[str]) -> Self:
        """Make it of the two ends and a cost: ``7``, or ``7,9`` for there and back."""
        a, b, written = words
        costs = written.split(",")
        if len(costs) > 2 or not all(map(NUMBER.fullmatch, costs)):
            raise UsageError(f"a cost is a number, or there,back as 7,9; not {written!r}")
        try:
            return cls(link=(a, b), cost=(int(costs[0]), int(costs[-1])))
        except ValidationError as error:
            raise UsageError(f"cost {written!r}: {error.errors()[0]['ctx']['error']}") from None

    def check(self, names: Names, complain: Complain) -> None:
        """The link must exist; a LAN's cost is fixed."""
        names.want_link(*self.link, complain, ("link",))
        for place, end in enumerate(self.link):
            if end in names.lans:
                complain(("link", place), f"{end!r} is a LAN; only a link's cost can be set")

    def strike(self, lab: Lab) -> None:
        """Set the cost each way."""
        lab.set_cost(*self.link, *self.cost)

    def repair(self, lab: Lab) -> Fault:
        """To set the costs of now again."""
        a, b = self.link
        return SetCost(link=self.link, cost=(cost_now(lab, a, b), cost_now(lab, b, a)))

    def done(self) -> str:
        """Say so."""
        (a, b), (there, back) = self.link, self.cost
        return f"{a}→{b} costs {there}, {b}→{a} costs {back}"


def cost_now(lab: Lab, a: str, b: str) -> int:
    """Return what the link between *a* and *b* costs from *a* to *b*; UsageError without one."""
    changed = lab.state().costs.get((a, b))
    if changed is not None:
        return changed
    for link in lab.network.links:
        if (link.a.node, link.b.node) == (a, b):
            return link.cost
        if (link.b.node, link.a.node) == (a, b):
            return link.cost_back
    raise UsageError(f"no link joins {a!r} and {b!r}")
