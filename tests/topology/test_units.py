"""Times, shares and rates."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from anycastlab.topology.units import (
    BitsPerSecond,
    Seconds,
    Share,
    bits_per_second,
    seconds,
    share,
)


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (seconds, "5ms", 0.005),
        (seconds, "250us", 0.00025),
        (seconds, "1.5s", 1.5),
        (seconds, "2 min", 120.0),
        (seconds, "0s", 0.0),
        (share, "1%", 0.01),
        (share, "100%", 1.0),
        (share, "0.1 %", 0.001),
        (bits_per_second, "10mbit", 10_000_000),
        (bits_per_second, "2.5 Gbit", 2_500_000_000),
        (bits_per_second, "64kbit", 64_000),
        (bits_per_second, "1bit", 1),
    ],
)
def test_a_quantity_is_read_exactly(
    read: Callable[[object], float], text: str, value: float
) -> None:
    assert read(text) == value


@pytest.mark.parametrize("read", [seconds, share, bits_per_second])
@pytest.mark.parametrize(
    "value",
    ["", "5", 5, 0.5, None, True, [], "ms", "-5ms", "5 m s", "1e3s", "5ms ", "\u0665ms", "nan s"],
)
def test_what_is_no_quantity_with_a_unit_is_refused(
    read: Callable[[object], float], value: object
) -> None:
    with pytest.raises(ValueError, match="expected a "):
        read(value)


@pytest.mark.parametrize(
    ("read", "text"),
    [(share, "100.1%"), (bits_per_second, "0.4bit"), (seconds, "1%"), (share, "1s")],
)
def test_a_quantity_out_of_bounds_or_of_another_kind_is_refused(
    read: Callable[[object], float], text: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(repr(text))):
        read(text)


@given(st.integers(0, 10**9 - 1), st.sampled_from(["us", "MS", "s", "min", "%", "kbit", "Gbit"]))
def test_the_schema_takes_what_the_reader_takes(number: int, unit: str) -> None:
    for kind, read in ((Seconds, seconds), (Share, share), (BitsPerSecond, bits_per_second)):
        pattern = TypeAdapter(kind).json_schema()["pattern"]
        text = f"{number}{unit}"
        try:
            read(text)
        except ValueError as error:
            in_bounds = not str(error).startswith(("expected a share of", "expected a rate of"))
            assert not (in_bounds and re.search(pattern, text))
        else:
            assert re.search(pattern, text)
