"""Faults beyond kill and cut: what each asks of the lab, in which order, and what packets show."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from anycastlab.errors import TopologyError, UsageError
from anycastlab.experiments.blackhole_faults import Blackhole, Clear
from anycastlab.experiments.daemon_faults import StartDaemon, StopDaemon
from anycastlab.experiments.fault import Fault
from anycastlab.experiments.flap_fault import Flap
from anycastlab.experiments.impairment_faults import Restore, impairable
from anycastlab.experiments.load import load_checked
from anycastlab.experiments.member_faults import Announce, Drain, Withdraw
from anycastlab.experiments.registry import FAULTS
from anycastlab.experiments.script import script, typed
from anycastlab.experiments.service_faults import StartService, StopService
from tests.experiments.networks import FIGURE1, document, network, written
from tests.experiments.paper import PaperLab


class Recorder(PaperLab):
    """Writes down whatever it is asked to do."""

    def __getattr__(self, name: str) -> Any:
        def ask(*words: Any, **named: Any) -> None:
            self.asked.append((name, *words, *named.values()))

        return ask

    def status(self) -> dict[str, Any]:
        return {
            "impaired": [{"link": "r1--r2", "by": "wire", "delay": 0.01, "loss": 0.05}],
            "black_holes": [{"place": ["r1", "r2"], "way": "there"}],
        }


def fault(verb: str, argument: Any) -> Fault:
    made = typed(verb, argument)
    assert isinstance(made, Fault)
    return made


EACH: list[tuple[Fault, tuple[Any, ...], list[str]]] = [
    (
        fault("impair", {"link": ["r1", "r2"], "delay": "10ms", "loss": "5%"}),
        ("impair", "r1", "r2", 0.01, 0.05),
        ["r1", "r2", "delay=10ms,loss=5%"],
    ),
    (Restore(("r1", "r2")), ("impair", "r1", "r2"), ["r1", "r2"]),
    (Blackhole(link=("r1", "r2")), ("blackhole", "r1", "r2", "both"), ["r1,r2", "both"]),
    (Blackhole(node="s1", way="in"), ("blackhole", "s1", None, "in"), ["s1", "in"]),
    (Clear(link=("r1", "r2")), ("clear", "r1", "r2"), ["r1,r2"]),
    (Clear(node="s1"), ("clear", "s1", None), ["s1"]),
    (StopService(node="s1", service="http"), ("stop_service", "s1", "http"), ["s1", "http"]),
    (fault("stop-service", "s1"), ("stop_service", "s1", None), ["s1", "all"]),
    (fault("start-service", "s1"), ("start_service", "s1", None), ["s1", "all"]),
    (fault("stop-daemon", "s1"), ("stop_daemon", "s1", "TERM"), ["s1", "TERM"]),
    (StopDaemon(node="s1", signal="KILL"), ("stop_daemon", "s1", "KILL"), ["s1", "KILL"]),
    (fault("start-daemon", "s1"), ("start_daemon", "s1"), ["s1"]),
    (fault("withdraw", "s1"), ("withdraw", "s1", None), ["s1"]),
    (fault("announce", "s1"), ("announce", "s1", None), ["s1"]),
]
TIMED = {Drain.verb, Flap.verb}


def test_every_fault_of_the_registry_is_tried_somewhere() -> None:
    elsewhere = {"kill", "revive", "cut", "mend", "set-cost", "advertise"}
    here = {fault.verb for fault, _, _ in EACH}
    assert set(FAULTS) <= here | TIMED | elsewhere


@pytest.mark.parametrize(("fault", "asked", "words"), EACH)
def test_a_fault_asks_the_lab_for_what_its_name_says(
    fault: Fault, asked: tuple[Any, ...], words: list[str]
) -> None:
    lab = Recorder(network(FIGURE1))
    fault.strike(lab)
    assert lab.asked == [asked]
    assert FAULTS[fault.verb].from_words(words) == fault
    assert len(words) == len(fault.arguments)


@pytest.mark.parametrize(
    ("fault", "undone"),
    [
        (EACH[0][0], Restore(("r1", "r2"))),
        (Blackhole(link=("r1", "r2"), way="there"), Clear(link=("r1", "r2"))),
        (Clear(link=("r1", "r2")), Blackhole(link=("r1", "r2"), way="there")),
        (Clear(link=("r2", "r1")), Blackhole(link=("r2", "r1"), way="back")),
        (StopService(node="s1", service="http"), StartService(node="s1", service="http")),
        (StartService(node="s1"), StopService(node="s1")),
        (StopDaemon(node="s1", signal="KILL"), StartDaemon("s1")),
        (StartDaemon("s1"), StopDaemon(node="s1")),
        (Withdraw(member="s1", group="A"), Announce(member="s1", group="A")),
        (Withdraw(member="s1", order="stop-first"), Announce(member="s1", start=True)),
        (Announce(member="s1", start=True), Withdraw(member="s1", order="withdraw-first")),
        (fault("drain", {"member": "s1", "within": "1s"}), Announce(member="s1")),
    ],
)
def test_a_fault_is_undone_by_its_opposite(fault: Fault, undone: Fault) -> None:
    assert fault.repair(Recorder(network(FIGURE1))) == undone


def test_a_restored_link_is_impaired_again_as_it_was() -> None:
    lab = Recorder(network(FIGURE1))
    Restore(("r2", "r1")).repair(lab).strike(lab)
    delay, duplicate, jitter, loss, rate, reorder = 0.01, 0.0, 0.0, 0.05, None, 0.0
    assert lab.asked == [("impair", "r2", "r1", delay, duplicate, jitter, loss, rate, reorder)]


@pytest.mark.parametrize(
    ("order", "asked"),
    [
        ("withdraw-first", ["withdraw", "stop_service"]),
        ("stop-first", ["stop_service", "withdraw"]),
    ],
)
def test_a_withdrawal_keeps_its_order_and_its_pause(order: str, asked: list[str]) -> None:
    lab = Recorder(network(FIGURE1))
    begin = time.monotonic()
    fault("withdraw", {"member": "s1", "order": order, "pause": "50ms"}).strike(lab)
    assert time.monotonic() - begin >= 0.05
    assert [verb for verb, *_ in lab.asked] == asked


def test_a_flap_strikes_and_repairs_at_its_moments_and_ends_repaired() -> None:
    lab = Recorder(network(FIGURE1))
    flap = Flap.from_words(["cut:r1:r2", "40ms", "3"])
    assert flap == fault("flap", {"fault": {"cut": ["r1", "r2"]}, "period": "40ms", "count": 3})
    begin = time.monotonic()
    flap.strike(lab)
    assert 0.1 <= time.monotonic() - begin < 0.2
    assert [verb for verb, *_ in lab.asked] == ["cut", "mend"] * 3
    flap.repair(lab).strike(lab)
    assert len(lab.asked) == 6


# Mistakes


@pytest.mark.parametrize(
    ("verb", "words", "message"),
    [
        ("impair", ["r1", "r2", "delay"], "expected KEY=VALUE"),
        ("impair", ["r1", "r2", "dealy=1ms"], "did you mean 'delay'"),
        ("impair", ["r1", "r2", "delay=1"], "a time with its unit"),
        ("impair", ["r1", "r2", "loss=101%"], "at most 100%"),
        ("blackhole", ["r1,r2", "out"], "the way of a link is one of both, there, back"),
        ("blackhole", ["s1", "there"], "the way of a node is one of both, out, in"),
        ("blackhole", ["r1,r2,r3", "both"], "two ends of a link"),
        ("stop-daemon", ["s1", "HUP"], "expected TERM or KILL, not 'HUP'"),
        ("withdraw", ["s1,sometime"], "withdraw-first"),
        ("announce", ["s1,now"], "MEMBER,start"),
        ("drain", ["s1", "soon"], "expected a time"),
        ("flap", ["pray:r1:r2", "1s", "2"], "no fault 'pray' to repeat"),
        ("flap", ["flap:x:1s:2", "1s", "2"], "no fault 'flap' to repeat"),
        ("flap", ["cut:r1", "1s", "2"], "is written 'cut:A:B'"),
        ("flap", ["cut:r1:r2", "1s", "-1"], "a number of . or more"),
    ],
)
def test_bad_words_are_refused_with_what_is_wrong(
    verb: str, words: list[str], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        FAULTS[verb].from_words(words)


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("impair: {link: [r1, r2]}", "impairs nothing: give delay"),
        ("impair: {link: [c1, r2], delay: 1ms}", "no link joins 'c1' and 'r2'"),
        ("impair: {link: [r1, r2], delay: 5}", "a time with its unit"),
        ("impair: {link: [r1, r2], los: 5%}", "unknown key 'los'; did you mean 'loss'?"),
        ("restore: [r1, c2]", "no link joins"),
        ("blackhole: {way: both}", "where? give link: [a, b] or node: a"),
        ("blackhole: {link: [r1, r2], node: s1}", "where?"),
        ("blackhole: {link: [r1, r9]}", "unknown node 'r9'"),
        ("blackhole: {node: s9}", "unknown node 's9'"),
        ("blackhole: {node: s1, way: back}", "the way of a node is one of"),
        ("clear: {node: s9}", "unknown node 's9'"),
        ("stop-service: {node: s9}", "unknown node 's9'"),
        ("stop-service: {node: s1, service: htp}", "no component 'htp'; did you mean 'http'?"),
        ("stop-daemon: s1", "no node runs a routing daemon"),
        ("start-daemon: s1", "no node runs a routing daemon"),
        ("withdraw: c1", "'c1' is no member of A"),
        ("withdraw: {member: s1, group: B}", "unknown group 'B'"),
        ("withdraw: {member: s1, pause: 1s}", "give order"),
        ("announce: s9", "'s9' is no member of A"),
        ("drain: {member: r1, within: 1s}", "'r1' is no member of A"),
        ("drain: {member: s1}", "'within' is missing"),
        ("flap: {fault: {cut: [r1, r9]}, period: 1s, count: 1}", "unknown node 'r9'"),
        ("flap: {fault: {kil: s1}, period: 1s, count: 1}", "did you mean 'kill'?"),
        ("flap: {fault: {impair: {link: [r1, r2]}}, period: 1s, count: 1}", "impairs nothing"),
    ],
)
def test_mistakes_in_a_file_are_reported_before_anything_is_up(step: str, message: str) -> None:
    with pytest.raises(TopologyError) as caught:
        document(f"- {step}")
    assert any(message in one.message for one in caught.value.problems), caught.value


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("stop-daemon: s9", "unknown node 's9'"),
        ("stop-daemon: c1", "'c1' runs no routing daemon"),
        ("stop-daemon: {node: s1, signal: HUP}", "expected TERM or KILL"),
        ("start-daemon: c1", "'c1' runs no routing daemon"),
        ("stream: {from: c1, to: A, during: [{stop-daemon: r9}]}", "unknown node 'r9'"),
    ],
)
def test_mistakes_about_daemons_are_reported_where_there_are_some(step: str, message: str) -> None:
    with pytest.raises(TopologyError) as caught:
        document(f"- {step}", f"{FIGURE1}routing: bird\n")
    assert any(message in one.message for one in caught.value.problems), caught.value


def test_links_that_an_experiment_impairs_are_built_for_it(tmp_path: Path) -> None:
    steps = (
        "- impair: {link: [r2, r1], loss: 5%}\n"
        "- flap: {fault: {impair: {link: [s1, r1], loss: 5%}}, period: 1s, count: 1}\n"
    )
    file = tmp_path / "lab.yaml"
    file.write_text(written(steps))
    links = load_checked(file).network.links
    named = {link.name for link in links if link.impairment is not None}
    assert named == {"r1--r2", "s1--r1"}
    plain = document().network
    assert impairable(plain, []).links == plain.links


def test_the_steps_say_what_they_did() -> None:
    said = [
        line.step.done()
        for line in script(
            document(
                "- impair: {link: [r1, r2], delay: 10ms, loss: 5%, rate: 10mbit}\n"
                "- blackhole: {link: [r1, r2], way: there}\n"
                "- stop-service: {node: s1, service: identity}\n"
            )
        )
        if isinstance(line.step, Fault)
    ]
    assert said == [
        "r1-r2 has delay 10 ms, loss 5 %, rate 10 Mbit/s",
        "r1-r2 is a black hole (there)",
        "identity of s1 has stopped",
    ]
