"""Faults: what each asks of the lab, how it is undone, how it is written on a command line."""

from __future__ import annotations

from typing import Any

import pytest

from anycastlab.errors import UsageError
from anycastlab.experiments.fault import Fault
from anycastlab.experiments.link_faults import Cut, Mend, SetCost
from anycastlab.experiments.node_faults import Kill, Revive
from anycastlab.experiments.registry import FAULTS
from anycastlab.experiments.step import Context
from tests.experiments.networks import FIGURE1, network
from tests.experiments.paper import PaperLab, PaperProber

EACH: list[tuple[Fault, tuple[Any, ...], list[str]]] = [
    (Kill("s1"), ("kill", "s1"), ["s1"]),
    (Revive("s1"), ("revive", "s1"), ["s1"]),
    (Cut(("r1", "r2")), ("cut", "r1", "r2"), ["r1", "r2"]),
    (Mend(("r1", "r2")), ("mend", "r1", "r2"), ["r1", "r2"]),
    (SetCost(link=("r1", "r2"), cost=(5, 5)), ("set-cost", "r1", "r2", 5, 5), ["r1", "r2", "5"]),
    (SetCost(link=("r2", "r1"), cost=(5, 7)), ("set-cost", "r2", "r1", 5, 7), ["r2", "r1", "5,7"]),
]


def test_the_faults_tried_here_are_in_the_registry() -> None:
    assert {fault.verb for fault, _, _ in EACH} <= set(FAULTS)


@pytest.mark.parametrize(("fault", "asked", "words"), EACH)
def test_a_fault_asks_the_lab_for_what_its_name_says(
    fault: Fault, asked: tuple[Any, ...], words: list[str]
) -> None:
    lab = PaperLab(network(FIGURE1))
    fault.strike(lab)
    assert lab.asked == [asked]
    assert FAULTS[fault.verb].from_words(words) == fault
    assert len(words) == len(fault.arguments)


@pytest.mark.parametrize(("fault", "undone"), [(0, 1), (1, 0), (2, 3), (3, 2)])
def test_a_fault_is_undone_by_its_opposite(fault: int, undone: int) -> None:
    assert EACH[fault][0].repair(PaperLab(network(FIGURE1))) == EACH[undone][0]


def test_a_cost_is_undone_to_what_it_was_before_each_way() -> None:
    lab = PaperLab(network(FIGURE1))
    fault = SetCost(link=("r2", "r1"), cost=(3, 4))
    assert fault.repair(lab) == SetCost(link=("r2", "r1"), cost=(10, 10))
    fault.strike(lab)
    assert SetCost(link=("r1", "r2"), cost=(1, 1)).repair(lab) == SetCost(
        link=("r1", "r2"), cost=(4, 3)
    )
    with pytest.raises(UsageError, match="no link joins 'c1' and 'r2'"):
        SetCost(link=("c1", "r2"), cost=(1, 1)).repair(lab)


@pytest.mark.parametrize("word", ["", "x", "-1", "1,2,3", "1,", "0", "70000", "9" * 30, "٣"])
def test_a_cost_on_the_command_line_that_is_none_is_refused(word: str) -> None:
    with pytest.raises(UsageError, match="cost"):
        SetCost.from_words(["r1", "r2", word])


def test_a_fault_tells_how_much_of_the_prediction_it_moves() -> None:
    lab = PaperLab(network(FIGURE1))
    context = Context(lab, PaperProber(lab))
    assert Kill("s1").run(context).seen == "s1 is dead; predicted to move: 1 of 2 catchments"
    assert "predicted to move: 0 of 2" in SetCost(link=("r1", "r2"), cost=(5, 5)).run(context).seen


@pytest.mark.parametrize(
    ("verb", "words", "message"),
    [
        ("stop-daemon", ["r1", "HUP"], "signal: expected TERM or KILL, not 'HUP'"),
        ("blackhole", ["r1,r2", "up"], "way: expected both, there, back, out or in, not 'up'"),
        ("flap", ["kill:s1", "1s", "many"], "count: expected a whole number, not 'many'"),
        ("flap", ["kill:s1", "0s", "3"], "period: expected a number greater than 0, not '0s'"),
        ("flap", ["kil:s1", "1s", "3"], "fault: no fault 'kil' to repeat; did you mean 'kill'?"),
    ],
)
def test_a_wrong_word_of_a_verb_is_told_as_one_in_a_file_is(
    verb: str, words: list[str], message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        FAULTS[verb].from_words(words)
    assert str(caught.value) == message


@pytest.mark.parametrize(("count", "told"), [("1", "once"), ("3", "3 times")])
def test_a_flap_says_how_often(count: str, told: str) -> None:
    flap = FAULTS["flap"].from_words(["kill:s1", "1s", count])
    assert flap.done() == f"s1 is dead, and not any more: {told}"
