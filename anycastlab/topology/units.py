"""Quantities with units: ``5ms`` is 0.005 seconds, ``1%`` a share of 0.01, ``10mbit`` a rate."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from anycastlab.topology.wording import given, quoted

_TIMES = {"us": Decimal("1e-6"), "ms": Decimal("1e-3"), "s": Decimal(1), "min": Decimal(60)}
_SHARES = {"%": Decimal("0.01")}
# tc's units: powers of ten, of bits.
_RATES = {
    "bit": Decimal(1),
    "kbit": Decimal(10**3),
    "mbit": Decimal(10**6),
    "gbit": Decimal(10**9),
}

_NUMBER = r"[0-9]{1,9}(?:\.[0-9]{1,9})?"


def _quantity(value: object, units: Mapping[str, Decimal], hint: str) -> Decimal:
    match = (
        re.fullmatch(rf"({_NUMBER}) ?([a-z%]+)", value.lower()) if isinstance(value, str) else None
    )
    if match is None or match[2] not in units:
        raise ValueError(f"expected {hint}, {given(value)}")
    return Decimal(match[1]) * units[match[2]]


def seconds(value: object) -> float:
    """Return the seconds in ``"5ms"`` (us, ms, s or min); raise ValueError."""
    return float(_quantity(value, _TIMES, "a time with its unit, as 5ms or 1.5s"))


def share(value: object) -> float:
    """Return the share, 0 to 1, in ``"1%"``; raise ValueError."""
    result = _quantity(value, _SHARES, "a share in percent, as 1%")
    if result > 1:
        raise ValueError(f"expected a share of at most 100%, not {quoted(value)}")
    return float(result)


def bits_per_second(value: object) -> int:
    """Return the bits per second in ``"10mbit"`` (bit, kbit, mbit or gbit); raise ValueError."""
    result = int(_quantity(value, _RATES, "a rate with its unit, as 10mbit"))
    if result < 1:
        raise ValueError(f"expected a rate of 1bit or more, not {quoted(value)}")
    return result


def _schema(units: Mapping[str, Decimal]) -> WithJsonSchema:
    either_case = "|".join(re.sub("[a-z]", lambda c: f"[{c[0]}{c[0].upper()}]", u) for u in units)
    return WithJsonSchema({"type": "string", "pattern": f"^{_NUMBER} ?({either_case})$"})


Seconds = Annotated[float, BeforeValidator(seconds), _schema(_TIMES)]
Share = Annotated[float, BeforeValidator(share), _schema(_SHARES)]
BitsPerSecond = Annotated[int, BeforeValidator(bits_per_second), _schema(_RATES)]
