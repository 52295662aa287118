"""``scripts/lan-table``: the experiments it runs, and what it makes of their results."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from anycastlab.experiments.script import check
from anycastlab.experiments.verdict import Outcome, StepResult, Verdict
from anycastlab.topology.load import load_text

from .sources import ROOT
from .test_failover_table import script

sys.path.insert(0, str(ROOT / "scripts"))
table = script("lan_table")
delays, plot = table.lan_delays, table.lan_plot


@pytest.mark.parametrize("setting", table.SETTINGS, ids=lambda one: one.name)
def test_every_row_is_a_topology_in_which_the_member_dies_several_times(setting) -> None:
    document = load_text(setting.document(), "lan-table.yaml", also=[check])
    timers = document.network.neighbour
    assert timers.reachable == (None if setting.own else setting.reachable / 1000)
    streams = [step for step in document.topology.experiment if "stream" in step]
    assert len(streams) == setting.deaths > 1
    assert setting.worst > 1.5 * setting.reachable / 1000


def test_the_kernels_own_timers_are_measured_only_if_asked_for() -> None:
    assert [one.name for one in table.chosen([]) if one.own] == ["anycast-delay 800 ms"]
    assert [setting.own for setting in table.chosen(["30 s"])] == [True]


def watched(before: str, address: str, requests: int) -> StepResult:
    counts = {"requests": requests, "probes": 3}
    outcome = Outcome("", data={"neighbours": [{"address": address, "counts": counts}]})
    return StepResult(f"neighbours: {{{before}at: c1}}", 1, 1.0, outcome)


def test_rates_are_of_the_watch_in_which_nobody_dies() -> None:
    setting = table.SETTINGS[0]
    steps = watched("", "10.9.0.100", 99), watched("before: 5s, ", "10.9.0.100", 10)
    found = table.found_in(Verdict("x", "x", steps, 1.0), setting)
    assert found["rates"] == {"4": {"requests": 120.0, "probes": 36.0}}
    assert "failed" in table.row(setting, found)


@pytest.mark.parametrize(
    ("gaps", "shown"),
    [
        ([500.0, 1500.0], "1.00 s (0.50 to 1.50)"),
        ([500.0, None], "failed"),
        ([], "failed"),
    ],
)
def test_an_outage_has_its_extremes_and_tells_a_failure(gaps, shown: str) -> None:
    assert table.outage(gaps) == shown


@pytest.mark.parametrize("one", delays.DELAYS, ids=lambda one: one.name)
def test_the_anycast_delay_is_measured_of_three_routers(one) -> None:
    document = load_text(one.document(), "lan-delay.yaml", also=[check])
    assert document.network.neighbour.anycast_delay == (None if one.own else one.delay / 1000)
    assert document.network.groups["K"].instances == delays.MEMBERS


def asked(*answers: float) -> StepResult:
    frames = [{"at": 1.0, "kind": "request", "from": "c1"}]
    frames += [{"at": 1.0 + wait, "kind": "reply", "from": "m1"} for wait in answers]
    seen = {"frames": frames * 2, "asked": [{"believed": "m1"}, {"believed": "m2"}]}
    return StepResult("neighbours", 1, 1.0, Outcome("", data={"neighbours": [seen]}))


def test_a_wait_is_from_a_question_to_each_of_its_answers() -> None:
    one = delays.Delay(100, asked=2)
    found = one.found(Verdict("x", "x", (asked(0.01, 0.05, 0.09),), 1.0))
    assert found == {
        "waits": [10.0, 50.0, 90.0] * 2,
        "firsts": [10.0] * 2,
        "winners": {"m1": 1, "m2": 1},
    }
    shown = ["10 ms", "10 ms", "50 ms", "90 ms", "90 ms", "10 ms"]
    assert delays.row(one, found) == ["100 ms", "6", *shown, "m1 1, m2 1, m3 0"]
    missed = one.found(Verdict("x", "x", (asked(0.01, 0.05),), 1.0))
    assert "failed" in delays.row(one, missed)


def test_a_point_is_where_such_frames_are_the_cost() -> None:
    rates = {"4": {"requests": 60.0, "probes": 0.0}}
    measured = {"a": {"outages": {"4": [0.0, 500.0, None]}, "rates": rates}}
    assert plot.points(measured, ["a", "b"], "4", "requests") == [(60.0, 0.25, 0.01, 0.5)]
    assert plot.points(measured, ["a"], "4", "probes") == []


def test_the_picture_has_the_curves_that_were_measured_and_is_the_same_each_time(
    tmp_path: Path,
) -> None:
    rates = {"4": {"requests": 60.0, "probes": 0.0}, "6": {"requests": 0.0, "probes": 9.0}}
    measured = {"a": {"outages": {"4": [500.0, 700.0], "6": [100.0, 200.0]}, "rates": rates}}
    drawn = []
    for name in ("one.svg", "two.svg"):
        plot.draw(measured, ["a"], tmp_path / name)
        drawn.append((tmp_path / name).read_text())
    assert drawn[0] == drawn[1]
    assert "<!-- ARP: broadcasts -->" in drawn[0]
    assert "<!-- ND: unicast probes -->" in drawn[0]
    assert "<!-- ND: multicasts -->" not in drawn[0]


def test_a_table_replaces_the_one_before_between_its_marks(tmp_path: Path) -> None:
    file = tmp_path / "lan.md"
    file.write_text(f"above\n{table.BEGIN}old\n{table.END}\nbelow\n")
    table.put(["| a |"], file)
    table.put(["| b |"], file)
    assert file.read_text() == f"above\n{table.BEGIN}\n| b |\n\n{table.END}\nbelow\n"


def test_the_document_has_a_place_for_the_table() -> None:
    text = (ROOT / "docs/lan.md").read_text()
    assert text.count(table.BEGIN) == text.count(table.END) == 1
    assert "](lan.svg)" in text
    assert table.PLOT.exists()
