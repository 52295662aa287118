"""``scripts/lan-table``: the experiments it runs, and what it makes of their results."""

from __future__ import annotations

from pathlib import Path

import pytest

from anycastlab.experiments.script import check
from anycastlab.experiments.verdict import Outcome, StepResult, Verdict
from anycastlab.topology.load import load_text

from .sources import ROOT
from .test_failover_table import script

table = script("lan_table")


@pytest.mark.parametrize("setting", table.SETTINGS, ids=lambda one: one.name)
def test_every_row_is_a_topology_in_which_the_member_dies_several_times(setting) -> None:
    document = load_text(setting.document(), "lan-table.yaml", also=[check])
    timers = document.network.neighbour
    assert timers.reachable == (None if setting.own else setting.reachable / 1000)
    streams = [step for step in document.topology.experiment if "stream" in step]
    assert len(streams) == setting.deaths > 1
    assert setting.worst > 1.5 * setting.reachable / 1000


def test_the_kernels_own_timers_are_measured_only_if_asked_for() -> None:
    assert not [setting for setting in table.chosen([]) if setting.own]
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


def test_a_table_replaces_the_one_before_between_its_marks(tmp_path: Path) -> None:
    file = tmp_path / "lan.md"
    file.write_text(f"above\n{table.BEGIN}old\n{table.END}\nbelow\n")
    table.put(["| a |"], file)
    table.put(["| b |"], file)
    assert file.read_text() == f"above\n{table.BEGIN}\n| b |\n\n{table.END}\nbelow\n"


def test_the_document_has_a_place_for_the_table() -> None:
    text = (ROOT / "docs/lan.md").read_text()
    assert text.count(table.BEGIN) == text.count(table.END) == 1
