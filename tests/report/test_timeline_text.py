"""How a stream under faults is told and drawn."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from anycastlab.errors import ProgramError, UsageError
from anycastlab.probing.stream_record import Change
from anycastlab.probing.timeline import Timeline
from anycastlab.report import timeline_picture
from anycastlab.report.timeline import DRAWN, TOLD, lines
from anycastlab.report.timeline_strip import strips
from tests.probing.streams import at, judged, struck, trace

TAKEOVER = ["s1", "s1", "s1", "", "", "s2", "s2"]


def told(found: Timeline, width: int = 80) -> str:
    return "\n".join(lines(found, width))


def test_a_takeover_is_told_in_one_row() -> None:
    text = told(judged(trace(TAKEOVER)))
    assert "7 ICMP packets in 1 flow, one every 1 ms in each\n+0.00 ms  kill s1\n" in text
    assert (
        "flow         instance  last old  first new      gap  lost\n"
        "c1 → A IPv4  s1 → s2   +0.10 ms   +3.10 ms  3.00 ms     2\n"
    ) in text
    assert "no packet was duplicated, reordered, bounced or misdelivered" in text
    assert "not as predicted" not in text


def test_what_is_odd_gets_a_column_and_what_is_wrong_a_line() -> None:
    mute = judged(trace(["s1 s1", "s3", "s3", "refused", "s3"], answered={}), late=[0, 700_000])
    text = told(mute)
    assert "lost  duplicated  misdelivered\n" in text
    assert "no packet was reordered or bounced\n" in text
    assert "c1 → A IPv4: 1 packet could not leave c1" in text
    assert "c1 → A IPv4: 4 packets received, but not answered" in text
    assert "c1 → A IPv4: not as predicted, which is s2" in text
    assert "1 of 2 packets left more than 0.5 ms late, at worst 0.7 ms" in text


def test_nobody_and_no_end_are_said_so() -> None:
    text = told(judged(trace(["s1", "s1", "s1", "", ""]), faults=[struck(0, 1)], interrupted=True))
    assert "s1 → nobody  +0.10 ms          -  no end     2" in text
    assert "interrupted: this is what there is so far" in text


def test_faults_and_changes_are_told_in_order_of_time() -> None:
    changes = [
        Change(at(0.4), "r1", "link lost", "s1"),
        Change(at(1.25), "r1", "route", "192.0.2.1/32", ("r2", "r4")),
        Change(at(12), "r2", "route gone", "192.0.2.1/32"),
    ]
    text = told(judged(trace(TAKEOVER), changes=changes))
    assert (
        " +0.00 ms  kill s1\n"
        " +0.40 ms  r1: link to s1 lost\n"
        " +1.25 ms  r1: route 192.0.2.1/32 by r2 and r4\n"
        "+12.00 ms  r2: route gone 192.0.2.1/32\n"
    ) in text


def test_many_changes_are_summed_up() -> None:
    changes = [Change(at(at_ms), f"r{at_ms}", "link lost", "s1") for at_ms in range(TOLD + 30)]
    assert "+41.00 ms  30 changes more, in 30 nodes" in told(
        judged(trace(TAKEOVER), changes=changes)
    )


def test_a_strip_shows_each_packet_where_it_came_and_each_loss_where_it_was_sent() -> None:
    found = judged(trace(TAKEOVER))
    assert list(strips(found, [0], 48)) == [
        "c1 → 192.0.2.1",
        "  s1              ███",
        "  s2                   ██",
        "  lost               ░░",
        "        -12.00 ms   ↑ kill s1          +28.00 ms",
    ]


@pytest.mark.parametrize("width", [0, 20, 40, 79, 200])
def test_a_strip_is_as_wide_as_the_terminal_unless_that_is_too_narrow(width: int) -> None:
    faults = [struck(0, 0.5, "s2"), struck(4, 4.5, "s2", text="cut a-very-long-name another")]
    drawn = list(strips(judged(trace(TAKEOVER), faults=faults), [0], width))
    assert max(map(len, drawn)) <= max(width, 28)


def test_of_many_flows_those_are_drawn_that_something_happened_to() -> None:
    dull = [trace(["s2"] * 7) for _ in range(DRAWN + 2)]
    text = told(judged(*dull, trace(TAKEOVER)))
    assert text.count("c1 → 192.0.2.1") == DRAWN
    assert "lost  " in text.partition("no packet was")[2]
    assert "(3 flows are not drawn)" in text


def test_without_matplotlib_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "matplotlib.figure", raising=False)
    with pytest.raises(ProgramError, match=r"pip install 'anycastlab\[plot\]'"):
        timeline_picture.require()


@pytest.mark.parametrize("file", ["x", "x.jpeg", "svg"])
def test_a_picture_of_an_unknown_kind_is_refused(file: str) -> None:
    with pytest.raises(UsageError, match="ends in svg, png, pdf"):
        timeline_picture.kind_of(file)


@pytest.mark.parametrize(("kind", "begins"), [("svg", b"<?xml"), ("png", b"\x89PNG")])
def test_a_picture_is_drawn(tmp_path: Path, kind: str, begins: bytes) -> None:
    found = judged(trace(TAKEOVER), trace([""] * 7), changes=[Change(at(1), "r1", "route", "x")])
    file = tmp_path / f"picture.{kind}"
    timeline_picture.draw(found, str(file))
    assert file.read_bytes().startswith(begins)


def test_a_picture_that_cannot_be_written_is_an_error_of_use(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot write"):
        timeline_picture.draw(judged(trace(TAKEOVER)), str(tmp_path / "no/such/place.svg"))
