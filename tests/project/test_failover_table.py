"""``scripts/failover-table`` and ``scripts/soak-faults``: what they do, and what they say."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from anycastlab.experiments.script import check
from anycastlab.routing.catchment import predict
from anycastlab.topology.load import load_text

from .sources import ROOT


def script(name: str) -> ModuleType:
    """Import a file of scripts/."""
    spec = importlib.util.spec_from_file_location(name, ROOT / f"scripts/{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


table, soak = script("failover_table"), script("soak_faults")


@pytest.mark.parametrize("column", table.PLANES, ids=lambda one: one.name)
@pytest.mark.parametrize("profile", ["fast", "default"])
def test_every_column_is_a_topology_in_which_s1_is_nearer(column, profile: str) -> None:
    document = load_text(column.document(profile), "table.yaml", also=[check])
    assert set(predict(document.network).values()) == {("s1",)}
    assert profile in column.document(profile) or column.name == "kernel"
    streams = [step for step in document.topology.experiment if "stream" in step]
    assert len(streams) == len(column.faults())


def test_what_polls_is_left_out_of_virtual_time(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {column.name for column in table.chosen(["BFD"])}
    assert names == {"BIRD eBGP, BFD", "FRR eBGP, BFD"}
    monkeypatch.setenv("ANYCASTLAB_VIRTUAL_TIME", "1")
    assert [column.name for column in table.chosen(["BFD"])] == ["BIRD eBGP, BFD"]


def test_a_fault_of_daemons_is_no_row_of_the_kernel() -> None:
    names = [fault.name for fault in table.PLANES[0].faults()]
    assert "kill the instance" in names
    assert not [name for name in names if "daemon" in name]


def test_a_cell_has_gap_and_losses_of_each_family_and_tells_a_failure() -> None:
    flows = [{"gap_ms": 3.14, "lost": 3}, {"gap_ms": 40400.0, "lost": 807}]
    kernel, bird = table.PLANES[:2]
    kill, stop = table.FAULTS[0], table.FAULTS[3]
    assert table.cell(kernel, kill, {kill.name: flows}) == "3.1 ms, 3 lost<br>40.40 s, 807 lost"
    assert table.cell(kernel, stop, {}) == "—"
    assert table.cell(bird, stop, {}) == "failed"
    assert table.gap(None) == "no end"


def test_a_table_replaces_the_one_before_between_its_marks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "failover.md"
    file.write_text("above\n<!-- fast -->\nold\n<!-- end of fast -->\nbelow\n")
    monkeypatch.setattr(table, "DOCUMENT", file)
    table.put("fast", ["| a |", "|---|"])
    table.put("fast", ["| b |", "|---|"])
    assert file.read_text() == (
        "above\n<!-- fast -->\n\n| b |\n|---|\n\n<!-- end of fast -->\nbelow\n"
    )


def test_the_document_has_a_place_for_each_table() -> None:
    text = (ROOT / "docs/failover.md").read_text()
    for profile in table.INTERVAL:
        assert text.count(f"<!-- {profile} -->\n") == 1
        assert text.count(f"<!-- end of {profile} -->") == 1


@pytest.mark.parametrize(
    ("now", "leaked"),
    [
        ((2, 22, 50, 91.9), False),
        ((3, 22, 50, 90.0), True),
        ((2, 23, 50, 90.0), True),
        ((2, 22, 51, 90.0), True),
        ((2, 22, 50, 92.1), True),
    ],
)
def test_more_of_anything_is_a_leak(now: tuple[int, int, int, float], leaked: bool) -> None:
    assert soak.Held(*now).leaked_since(soak.Held(2, 22, 50, 90.0)) is leaked


@pytest.mark.lab
def test_a_short_soak_is_clean() -> None:
    command = [ROOT / "scripts/soak-faults", "2", "--nodes", "10"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].endswith(": clean")
