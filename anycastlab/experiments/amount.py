"""How many of something an expectation wants: ``100%``, ``3``, ``at least 10%``, ``at most 5``."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Annotated

from pydantic import PlainValidator, WithJsonSchema

_WRITTEN = re.compile(r"(?:at (least|most) )?([0-9]{1,9}(?:\.[0-9]{1,6})?)(%?)")


@dataclass(frozen=True, slots=True)
class Amount:
    """A number, or a share of all in percent; ``bound`` is '' (exactly that), 'least' or 'most'."""

    number: Fraction
    percent: bool = False
    bound: str = ""

    @classmethod
    def of(cls, value: object) -> Amount:
        """Read what stands in the file. Raises ValueError."""
        if isinstance(value, Amount):
            return value
        text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
        match = _WRITTEN.fullmatch(text)
        if match is None:
            raise ValueError("expected an amount, as 100%, 3, at least 10% or at most 5")
        number, percent = Fraction(match[2]), match[3] == "%"
        if percent and number > 100:
            raise ValueError(f"expected at most 100%, not {match[2]}%")
        if not percent and number.denominator != 1:
            raise ValueError(f"expected a whole number or a share in percent, not {match[2]}")
        return cls(number, percent, match[1] or "")

    def met(self, count: int, total: int) -> bool:
        """Whether *count* of *total* is as many as wanted."""
        wanted = self.number * total / 100 if self.percent else self.number
        if self.bound == "least":
            return count >= wanted
        return count <= wanted if self.bound == "most" else count == wanted

    def __str__(self) -> str:
        bound = f"at {self.bound} " if self.bound else ""
        return f"{bound}{float(self.number):g}{'%' * self.percent}"


def limit(value: object) -> Amount:
    """Read an amount of which a number by itself is the most. Raises ValueError."""
    amount = Amount.of(value)
    return replace(amount, bound=amount.bound or "most")


_SCHEMA = WithJsonSchema(
    {
        "anyOf": [
            {"type": "integer", "minimum": 0},
            {"type": "string", "pattern": f"^{_WRITTEN.pattern}$"},
        ]
    }
)
AmountField = Annotated[Amount, PlainValidator(Amount.of), _SCHEMA]
LimitField = Annotated[Amount, PlainValidator(limit), _SCHEMA]
