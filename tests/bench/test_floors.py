"""The C programs do what they are compared with; no figure is judged here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmarks import kernel_phase, reconvergence, routes
from benchmarks.harness import SOURCES, Bench, floor, worker

from anycastlab.lab import names


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, repetitions=1, quick=True)


@pytest.fixture
def plan(bench: Bench) -> Iterator[Path]:
    """The plan of ten nodes; whatever becomes of it, none of its names stays."""
    file = bench.topology("ring", 10)
    path = file.with_suffix(".plan")
    worker(kernel_phase.make_plan, file, path)
    yield path
    for entry in names.DIRECTORY.glob(f"{file.stem}.*"):
        entry.unlink()


@pytest.mark.parametrize("source", sorted(SOURCES.glob("*.c")), ids=lambda source: source.stem)
def test_every_c_program_compiles_without_a_warning(bench: Bench, source: Path) -> None:
    assert bench.compile(source.stem).is_file()


def test_the_floor_carries_a_plan_out_and_leaves_no_name(bench: Bench, plan: Path) -> None:
    names.DIRECTORY.mkdir(exist_ok=True)
    found = floor(bench.compile("floor"), plan, names.DIRECTORY)
    assert found["total"] > 0
    assert not list(names.DIRECTORY.glob(f"{plan.stem}.*"))


def test_the_floor_fails_when_the_kernel_refuses_part_of_a_plan(bench: Bench, plan: Path) -> None:
    names.DIRECTORY.mkdir(exist_ok=True)
    plan.write_bytes(plan.read_bytes().replace(b"ipv4/ip_forward", b"ipv4/ip_backwar"))
    with pytest.raises(SystemExit, match="status 1"):
        floor(bench.compile("floor"), plan, names.DIRECTORY)


def test_ratios_are_reported_for_ten_nodes(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_phase, "SIZES", (10,))
    rows = list(kernel_phase.measure(bench))
    assert [(row.measure, row.size) for row in rows] == [
        ("kernel phase of up, tree", 10),
        ("kernel phase of up, ring", 10),
    ]
    assert all("x  <= 1.3x" in row.text() for row in rows)


def test_c_inserts_as_many_routes_as_the_product(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "ROUTES", 100)
    by_c, by_pyroute2 = routes.measure(bench)
    assert by_c.theirs
    assert by_pyroute2.theirs


@pytest.mark.realtime
def test_c_installs_what_the_product_would_and_a_killed_server_costs_the_stream_probes(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = {"SIZES": (12,), "ROUTERS": 12, "MEMBERS": 3, "CLIENTS": 2, "GROUPS": 1}
    for name, value in small.items():
        monkeypatch.setattr(reconvergence, name, value)
    installed, window = reconvergence.measure(bench)
    assert installed.theirs
    assert window.ours > 0
