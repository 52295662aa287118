"""Observations as a table."""

from __future__ import annotations

import io
from typing import Any

from anycastlab.probing.observation import Observation
from anycastlab.report.tables import kinds, rows, show, summary
from tests.experiments.paper import observation


def six(**changes: Any) -> list[Observation]:
    """Return one observation of each family and protocol."""
    return [
        observation(family=family, protocol=protocol, **changes)
        for family in (4, 6)
        for protocol in ("icmp", "tcp", "udp")
    ]


def shown(observations: list[Observation]) -> list[str]:
    """Return the lines of the table as they are written to a file."""
    file = io.StringIO()
    show(observations, file)
    return [line.rstrip() for line in file.getvalue().splitlines() if line.strip()]


def test_probes_that_fared_alike_are_one_row() -> None:
    (row,) = rows(six())
    assert row.cells() == (
        "✓",
        "c1",
        "A",
        "v4+v6 icmp tcp udp",
        "s1",
        "s1",
        "s1",
        "0.10 ms",
    )


def test_a_probe_that_fared_otherwise_is_a_row_of_its_own() -> None:
    found = [*six()[1:], observation(received_by=("s2",), answered_by="s2")]
    good, bad = rows(found)
    assert (good.ok, good.probes) == (True, "v4 tcp udp, v6 icmp tcp udp")
    assert (bad.ok, bad.probes, bad.received_by) == (False, "v4 icmp", ("s2",))


def test_rows_keep_clients_and_groups_apart() -> None:
    found = [*six(), *six(group="B"), *six(client="c2")]
    assert [(row.client, row.group) for row in rows(found)] == [
        ("c1", "A"),
        ("c1", "B"),
        ("c2", "A"),
    ]


def test_round_trip_times_are_a_range_or_nothing() -> None:
    (row,) = rows([observation(rtt=0.001), observation(family=6, rtt=0.0025)])
    assert row.cells()[-1] == "1.00..2.50 ms"
    (lost,) = rows([observation(received_by=(), answered_by=None, rtt=None)])
    assert lost.cells()[-3:] == ("none", "none", "-")


def test_kinds_are_named_in_short() -> None:
    assert kinds(six()[:4]) == "v4 icmp tcp udp, v6 icmp"


def test_the_table_marks_what_differs_and_is_never_cut_short_in_a_file() -> None:
    name = "c" * 32
    wrong = observation(client=name, received_by=("s" * 32, "t" * 32), answered_by="s" * 32)
    lines = shown([*six(), wrong])
    assert lines[0].split() == [
        "client",
        "group",
        "probes",
        "predicted",
        "received",
        "by",
        "answered",
        "by",
        "rtt",
    ]
    assert len(lines) == 5
    good, bad = lines[2:4]
    assert good.split()[0] == "✓"
    assert bad.split()[0] == "✗"
    assert name in bad
    assert f"{'s' * 32}, {'t' * 32}" in bad
    assert lines[4] == "1 of 7 probes differ from the prediction"


def test_the_summary_counts_what_differs() -> None:
    assert summary(six()) == "6 probes, all as predicted"
    assert summary([*six(), observation(answered_by=None)]) == (
        "1 of 7 probes differ from the prediction"
    )
