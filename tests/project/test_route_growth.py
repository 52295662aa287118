"""scripts/route-growth measures real labs, tells a wrong slope, and writes its own part only."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from .sources import ROOT

sys.path.insert(0, str(ROOT / "scripts"))

import route_growth
from route_growth import AGGREGATED, INSIDE, UNAGGREGATED, Point

ROUTERS = (*INSIDE, UNAGGREGATED, AGGREGATED)


def point(groups: int, *, leak: int = 0, size: int | None = 4096) -> Point:
    """A lab as it should be, but for *leak* routes too many outside the border."""
    routes = dict.fromkeys(ROUTERS, (18 + groups, 18 + groups))
    routes[AGGREGATED] = (19 + leak, 19)
    return Point(groups, routes, size, 1.0)


def test_a_group_more_is_a_route_more_inside_and_none_outside_the_border() -> None:
    points = [route_growth.measure(groups) for groups in (1, 5)]
    assert {name: route_growth.slope(points, name, 0) for name in ROUTERS} == {
        **dict.fromkeys(ROUTERS, 1.0),
        AGGREGATED: 0.0,
    }
    assert all(four == six for one in points for four, six in one.routes.values())


@pytest.mark.parametrize(("leak", "status"), [(0, 0), (5, 1)])
def test_the_status_tells_whether_the_slopes_are_right(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], leak: int, status: int
) -> None:
    monkeypatch.setattr(route_growth, "measure", lambda groups: point(groups, leak=leak * groups))
    monkeypatch.setattr(sys, "argv", ["route-growth", "--groups", "1,10,100"])
    assert route_growth.main() == status
    assert "| 100 | 118 + 118 |" in capsys.readouterr().out


def test_a_trie_whose_size_is_not_told_is_no_number() -> None:
    assert "not told" in route_growth.table([point(1, size=None), point(10, size=None)])
    assert "takes" not in route_growth.table([point(1, size=None), point(10, size=None)])
    assert "takes 455 bytes" in route_growth.table([point(1), point(10, size=8192)])


def test_writing_leaves_the_rest_of_the_page_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "routes.md"
    page.write_text(f"before\n{route_growth.BEGIN}old\n{route_growth.END}after\n")
    monkeypatch.setattr(route_growth, "PAGE", page)
    route_growth.write("new\n")
    route_growth.write("newer\n")
    assert page.read_text() == (f"before\n{route_growth.BEGIN}\nnewer\n\n{route_growth.END}after\n")


def test_the_page_has_a_place_for_it_and_the_figures_are_there() -> None:
    page = route_growth.PAGE.read_text()
    assert page.count(route_growth.BEGIN) == page.count(route_growth.END) == 1
    assert "| 1000 | " in page
    assert route_growth.PLOT.exists()
