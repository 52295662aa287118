"""``scripts/client_table.py``: each client of the topologies has a cell, each cell a client."""

from __future__ import annotations

import sys

from anycastlab.experiments.load import load_checked
from anycastlab.experiments.script import script as steps_of

from .sources import ROOT
from .test_failover_table import script

sys.path.insert(0, str(ROOT / "scripts"))
table = script("client_table")
PROGRAMS = [
    line.text
    for name in table.FILES
    for line in steps_of(load_checked(table.TOPOLOGIES / f"{name}.yaml"))
    if line.text.startswith("exec:")
]


def test_each_program_is_of_one_cell() -> None:
    assert [(text, cells) for text in PROGRAMS if len(cells := table.cells_of(text)) != 1] == []


def test_a_cell_without_a_program_says_why() -> None:
    found = {cell: {"survived"} for text in PROGRAMS for cell in table.cells_of(text)}
    assert not found.keys() & table.WHY_NOT.keys()
    for line in table.table(found).splitlines()[2:]:
        remedy, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        assert all(cells), remedy
        assert "survived" in cells


def test_what_differs_from_run_to_run_is_both() -> None:
    cell = ("none, IPv4", "curl")
    first = table.table({cell: {"survived", "broken"}}).splitlines()[2]
    assert first.startswith("| none, IPv4 | broken and survived |  |")
