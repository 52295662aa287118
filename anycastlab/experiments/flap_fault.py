"""The fault ``flap``: another fault and its repair, again and again."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
)

from anycastlab.errors import UsageError, did_you_mean
from anycastlab.experiments.fault import Fault
from anycastlab.experiments.fields import Duration
from anycastlab.experiments.names import Complain, Names
from anycastlab.experiments.pacing import pause_until
from anycastlab.experiments.words import model_of

if TYPE_CHECKING:
    from anycastlab.lab.handle import Lab

_MOST = 10_000


def _kind(verb: str) -> Any:
    from anycastlab.experiments.registry import FAULTS

    if verb not in FAULTS or verb == Flap.verb:
        raise ValueError(f"no fault {verb!r} to repeat{did_you_mean(verb, FAULTS)}")
    return FAULTS[verb]


def _fault(value: object) -> object:
    """Read ``{cut: [r1, r2]}``, or ``cut:r1:r2``; pass a fault on."""
    if isinstance(value, Fault):
        return value
    if isinstance(value, str):
        verb, *words = value.split(":")
        kind = _kind(verb)
        if len(words) != len(kind.arguments):
            raise ValueError(f"a fault to repeat is written {':'.join((verb, *kind.arguments))!r}")
        try:
            return kind.from_words(words)
        except UsageError as error:
            raise ValueError(str(error)) from None
    if not isinstance(value, dict) or len(value) != 1:
        raise ValueError("expected one fault with its argument, as {cut: [r1, r2]}")
    ((verb, argument),) = value.items()
    try:
        return _kind(str(verb)).model_validate(argument)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{verb}: {first['msg'].removeprefix('Value error, ')}") from None


class Flap(BaseModel, Fault):
    """A fault strikes and is repaired, again and again, half a period each; it ends repaired."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)
    verb: ClassVar[str] = "flap"
    arguments: ClassVar[tuple[str, ...]] = ("FAULT:WORD...", "PERIOD", "COUNT")

    fault: Annotated[
        Fault,
        BeforeValidator(_fault),
        WithJsonSchema({"type": "object", "minProperties": 1, "maxProperties": 1}),
    ] = Field(description="What strikes, as {cut: [r1, r2]}.")
    period: Duration = Field(description="From one strike to the next, as 200ms.")
    count: int = Field(ge=0, le=_MOST, description="How often it strikes.")

    @classmethod
    def from_words(cls, words: Sequence[str]) -> Self:
        """Make it of a fault in one word, as ``cut:r1:r2``, a time and a number."""
        fault, period, count = words
        return model_of(cls, {"fault": fault, "period": period, "count": count})

    def check(self, names: Names, complain: Complain) -> None:
        """Whatever the fault names must exist."""
        place = ("fault", self.fault.verb)
        self.fault.check(names, lambda inner, message: complain((*place, *inner), message))

    def strike(self, lab: Lab) -> None:
        """Strike and repair, at their moments."""
        begin = time.monotonic()
        for half in range(2 * self.count):
            pause_until(begin + half * self.period / 2)
            if half % 2 == 0:
                mend = self.fault.repair(lab)
                self.fault.strike(lab)
            else:
                mend.strike(lab)

    def repair(self, lab: Lab) -> Fault:
        """To do nothing: it has been repaired."""
        return self.model_copy(update={"count": 0})

    def done(self) -> str:
        """Say so."""
        times = "once" if self.count == 1 else f"{self.count} times"
        return f"{self.fault.done()}, and not any more: {times}"
