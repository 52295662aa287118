"""What the table says of a measure, and what the file keeps of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from benchmarks.results import Row, write_json


@pytest.mark.parametrize(("ours", "ok"), [([11.0, 13.0, 99.0], True), ([11.0, 14.0, 15.0], False)])
def test_a_ratio_of_medians_is_held_to_its_limit(ours: list[float], ok: bool) -> None:
    row = Row.at_most("up", 100, ours, [9.0, 10.0, 50.0], 1.3)
    assert row.ok is ok
    assert row.value == ours[1] / 10
    assert ("MISSED" in row.text()) is not ok
    assert f"{ours[1] / 10:.2f}x" in row.text()


@pytest.mark.parametrize(("theirs", "ok"), [(1000.0, True), (999.0, False)])
def test_a_speed_up_is_held_to_its_least(theirs: float, ok: bool) -> None:
    row = Row.faster("routes", 10, [10.0], [theirs], 100, "IPRoute")
    assert row.ok is ok
    assert row.value == theirs / 10


@pytest.mark.parametrize(("figure", "ok"), [(10.0, True), (10.1, False)])
def test_a_figure_without_a_rival_is_held_to_its_own_limit(figure: float, ok: bool) -> None:
    row = Row.within("down", 1000, [figure], 10.0, "ms")
    assert row.ok is ok
    assert row.theirs is None


def test_what_is_only_compared_has_a_ratio_and_is_held_to_nothing() -> None:
    slower, faster = (
        Row.at_most("map", 9, [9.0], [2.0], None),
        Row.faster("map", 9, [9.0], [2.0], None, "f"),
    )
    assert slower.ok and faster.ok
    assert "4.50x" in slower.text() and "0.22x" in faster.text()
    assert not any(word in slower.text() + faster.text() for word in ("ok", "MISSED"))


def test_what_c_did_is_shown_beside_a_figure_that_is_held_to_its_own_limit() -> None:
    row = Row.within("late", 5000, [0.2], 0.1, "%", [0.5, 0.4, 0.3])
    assert (row.ok, row.theirs, row.against) == (False, 0.4, "C")
    assert "0.4 C" in row.text()
    assert "0.20x" not in row.text(), "that is no ratio"


def test_the_file_keeps_every_row_and_the_machine(tmp_path: Path) -> None:
    file = tmp_path / "new" / "bench.json"
    rows = [Row.within("down", 1000, [3.0], 10.0, "ms"), Row.at_most("up", 10, [2.0], [1.0], 1.3)]
    write_json(file, rows)
    document = json.loads(file.read_text())
    assert [(row["measure"], row["ok"]) for row in document["rows"]] == [
        ("down", True),
        ("up", False),
    ]
    assert document["machine"]["kernel"]
