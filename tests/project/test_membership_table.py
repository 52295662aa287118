"""``scripts/membership-table``: what it runs, and what it makes of what it sees."""

from __future__ import annotations

import re

import pytest

from anycastlab.components.check import check as check_components
from anycastlab.components.membership.check import check as check_members
from anycastlab.experiments.script import check
from anycastlab.lab.planes.check import check as check_routing
from anycastlab.probing.timeline import FlowTimeline, Run
from anycastlab.routing.catchment import predict
from anycastlab.topology.announcing import ANNOUNCE
from anycastlab.topology.load import load_text

from .sources import ROOT
from .test_failover_table import script
from .test_failover_table import table as failover

assert failover  # what the script imports
table = script("membership_table")
SECOND = 1_000_000_000


def test_there_is_a_row_for_every_way_to_announce() -> None:
    assert [row.name for row in table.WAYS] == list(ANNOUNCE)


@pytest.mark.parametrize("row", table.WAYS, ids=lambda one: one.name)
@pytest.mark.parametrize("profile", ["fast", "default"])
def test_every_row_is_a_topology_in_which_s1_is_nearer(row, profile: str) -> None:
    checks = [check_routing, check_components, check_members, check]
    document = load_text(row.document(profile, 2), "table.yaml", also=checks)
    assert set(predict(document.network).values()) == {("s1",)}
    assert profile in row.document(profile, 2) or row.name == "static"
    streams = [step for step in document.topology.experiment if "stream" in step]
    assert len(streams) == 2 * len(table.WHAT)


def flow(*runs: tuple[str, float, float], new: str | None = "s2") -> FlowTimeline:
    """A flow of runs: who, and seconds of the first and the last packet after the fault."""
    found = [Run(who, int(first * SECOND), int(last * SECOND), 2) for who, first, last in runs]
    fields = dict.fromkeys(FlowTimeline.__dataclass_fields__)
    return FlowTimeline(**{**fields, "new": new, "runs": tuple(found)})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("what", "seen", "seconds"),
    [
        ("join", flow(("s2", 9, 10.4), ("s1", 10.5, 12), new="s1"), 0.5),
        ("join", flow(("s2", 9, 12)), None),
        ("leave", flow(("s1", 9, 10.25), ("s2", 10.3, 12)), 0.25),
        ("leave", flow(("s1", 9, 9.9), ("s2", 9.95, 12)), 0),
        ("leave", flow(("s1", 9, 12), new="s1"), None),
        ("death", flow(("s1", 9, 10), ("s2", 11.5, 12)), 1.5),
        ("death", flow(("s1", 9, 10), new=None), None),
    ],
)
def test_times_are_those_of_the_packets(
    what: str, seen: FlowTimeline, seconds: float | None
) -> None:
    assert table.seconds(what, seen, 10 * SECOND) == seconds


def test_a_cell_has_the_median_and_the_span_and_tells_what_never_came() -> None:
    assert table.cell([0.002, 0.5, 1.5]) == "500.0 ms (2.0 ms to 1.50 s)"
    assert table.cell([None, None]) == "never noticed"
    assert table.cell([1.0, None]) == "1.00 s; 1 of 2 never"
    assert table.cell([]) == "failed"


def test_the_document_has_a_place_for_the_table_and_a_row_for_each_way() -> None:
    text = (ROOT / "docs/membership.md").read_text()
    for profile in table.INTERVAL:
        assert text.count(f"<!-- {profile} -->\n") == 1
        assert text.count(f"<!-- end of {profile} -->") == 1
    assert re.findall(r"^\| `([a-z]+)` \|", text, re.MULTILINE)[: len(ANNOUNCE)] == list(ANNOUNCE)
