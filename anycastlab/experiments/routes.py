"""The step ``routes``: how many routes of each kind the kernels of some nodes hold."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from anycastlab.errors import did_you_mean
from anycastlab.experiments.amount import Amount, AmountField
from anycastlab.experiments.fields import FAMILIES, Duration, FamilyField, NamesField
from anycastlab.experiments.names import Complain, Names
from anycastlab.experiments.pacing import pause_until
from anycastlab.experiments.step import Context, Step
from anycastlab.experiments.verdict import Outcome
from anycastlab.lab.route_counts import KINDS, RouteCount, RouteCounter
from anycastlab.topology.network import Family

_LOOK_EVERY = 0.02
_KNOWN = (*KINDS, "total")


def _known(wanted: dict[str, Amount]) -> dict[str, Amount]:
    if not wanted:
        raise ValueError("expects nothing: give {service: 3}")
    for kind, amount in wanted.items():
        if kind not in _KNOWN:
            hint = did_you_mean(kind, _KNOWN) or f"; kinds: {', '.join(_KNOWN)}"
            raise ValueError(f"no kind of route {kind!r}{hint}")
        if amount.percent:
            raise ValueError(f"expected a number of routes, not {amount}")
    return wanted


class Routes(BaseModel, Step):
    """Each of some nodes holds so many routes of each kind, in each family."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    verb: ClassVar[str] = "routes"

    at: NamesField = Field(description="The nodes.")
    expected: Annotated[dict[str, AmountField], AfterValidator(_known)] = Field(
        alias="is", description="How many of each kind, as {service: 1000, discard: at most 1}."
    )
    family: FamilyField | None = None
    within: Duration = Field(0.0, description="Look again until it holds, at most so long.")

    def check(self, names: Names, complain: Complain) -> None:
        """The nodes must exist."""
        for place, node in enumerate(self.at):
            names.want_node(node, ("at", place), complain)

    def run(self, context: Context) -> Outcome:
        """Count until it is as expected or the time is over."""
        deadline = time.monotonic() + self.within
        families: tuple[Family, ...] = FAMILIES if self.family is None else (self.family,)
        counter = RouteCounter(context.lab)
        while True:
            counts = [one for node in self.at for one in counter.count(node, families)]
            found = tuple(differences(self.expected, counts))
            if not found or time.monotonic() >= deadline:
                data = {"routes": [one.as_json() for one in counts]}
                return Outcome(_summary(self.expected, counts), found, data=data)
            pause_until(min(deadline, time.monotonic() + _LOOK_EVERY))


def differences(expected: Mapping[str, Amount], counts: list[RouteCount]) -> Iterator[str]:
    """Say where a node has another number of routes than it should."""
    for count in counts:
        for kind, amount in expected.items():
            held = count.of(kind)
            if not amount.met(held, held):
                yield f"{count.node}, IPv{count.family}: expected {kind}: {amount}, found {held}"


def _summary(expected: Mapping[str, Amount], counts: list[RouteCount]) -> str:
    alike: dict[str, list[str]] = {}
    for count in counts:
        told = ", ".join(f"{kind} {count.of(kind)}" for kind in expected)
        alike.setdefault(told, []).append(f"{count.node} v{count.family}")
    return "; ".join(f"{told}: {', '.join(who)}" for told, who in alike.items())
