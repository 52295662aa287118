"""From the text of an experiment to typed steps; every mistake at its place."""

from __future__ import annotations

import pytest

from anycastlab.errors import TopologyError
from anycastlab.experiments.catchment import Catchment
from anycastlab.experiments.expect import Expect
from anycastlab.experiments.node_faults import Kill
from anycastlab.experiments.registry import FAULTS, STEPS
from anycastlab.experiments.script import script
from tests.experiments.networks import FIGURE1, document

WITH_LAN = """\
name: shared
nodes: {r1: router, r2: router, c1: client, s1: server}
links: [[c1, r1], [r1, r2]]
lans: {lan1: {nodes: [r2, s1]}}
anycast:
  A: {members: [s1]}
  B: {members: [s1]}
"""


def mistakes(experiment: str, network: str = FIGURE1) -> list[str]:
    """Return LINE:COLUMN: message of each mistake; line 1 is the first of the experiment."""
    before = network.count("\n") + 2
    with pytest.raises(TopologyError) as caught:
        document(experiment, network)
    return [f"{one.line - before}:{one.column}: {one.message}" for one in caught.value.problems]


def test_steps_keep_their_order_their_text_and_their_line() -> None:
    text = (
        "- expect: {from: c1, to: A, instance: s1}\n- kill: s1\n- catchment:\n    is: predicted\n"
    )
    loaded = document(text)
    first, second, third = script(loaded)
    assert isinstance(first.step, Expect)
    assert isinstance(second.step, Kill)
    assert isinstance(third.step, Catchment)
    assert [line.text for line in (first, second, third)] == [
        "expect: {from: c1, to: A, instance: s1}",
        "kill: s1",
        "catchment: {is: predicted}",
    ]
    begin = FIGURE1.count("\n") + 3
    assert [first.line, second.line, third.line] == [begin, begin + 1, begin + 2]


def test_without_an_experiment_the_catchment_must_be_as_predicted() -> None:
    (only,) = script(document())
    assert isinstance(only.step, Catchment)
    assert only.text == "catchment: {is: predicted}"


def test_every_fault_is_a_step() -> None:
    assert {"kill", "revive", "cut", "mend", "set-cost"} <= FAULTS.keys() <= STEPS.keys()


@pytest.mark.parametrize(
    "step",
    [
        "expect: {from: c1, to: A, instance: s1}",
        "expect: {from: [c1, c2], to: A, instance: [s1, s2], within: 1s}",
        "expect: {from: all, to: A, instance: none, family: 6, protocol: tcp}",
        "expect: {from: c1, to: A, instance: predicted, within: 0.5}",
        "expect: {from: c1, to: A, never: s2, for: 500ms}",
        "expect: {from: c1, to: A, never: [s1, s2]}",
        "expect: {from: c1, to: A, exactly-one: true}",
        "catchment: {}",
        "catchment: {group: A, is: predicted, clients: [c1]}",
        "catchment: {group: A, is: {c1: s1, c2: [s1, s2]}, within: 2s, protocol: udp}",
        "catchment: {is: {c1: none, c2: predicted}}",
        "kill: s1",
        "revive: r1",
        "cut: [r1, r2]",
        "mend: [s1, r1]",
        "set-cost: {link: [r1, r2], cost: 5}",
        "set-cost: {link: [r2, r1], cost: [5, 7]}",
    ],
)
def test_every_form_of_the_grammar_is_read(step: str) -> None:
    (line,) = script(document(f"- {step}"))
    assert line.text == step


@pytest.mark.parametrize(
    ("step", "mistake"),
    [
        ("^kil: s1", "unknown step 'kil'; did you mean 'kill'?"),
        ("^pray: s1", "unknown step 'pray'; steps: expect, catchment, "),
        ("kill: ^s4", "unknown node 's4'"),
        ("kill: ^[s1]", "expected text, not a list"),
        ("cut: [r1, ^r9]", "unknown node 'r9'"),
        ("cut: ^[c1, r2]", "no link joins 'c1' and 'r2'; 'c1' is joined to r1"),
        ("cut: ^[r1]", "expected the two ends of a link, as [a, b]"),
        ("cut: ^r1", "expected the two ends of a link, as [a, b]"),
        ("set-cost: {link: ^r1, cost: 1}", "expected the two ends of a link, as [a, b]"),
        ("set-cost: {link: [r1, r2], cost: ^0}", "expected a whole number from 1 to 65535"),
        ("set-cost: {link: [r1, r2], cost: [1, ^-1]}", "expected a whole number from 1"),
        ("^set-cost: {link: [r1, r2]}", "'cost' is missing"),
        ("set-cost: {link: ^[r1, c2], cost: 1}", "no link joins 'r1' and 'c2'"),
        ("set-cost: {link: [r1, r2], ^cots: 1}", "unknown key 'cots'; did you mean 'cost'?"),
        ("expect: {from: ^c9, to: A, instance: s1}", "unknown client 'c9'"),
        ("expect: {from: [c1, ^r1], to: A, instance: s1}", "'r1' is a router, not a client"),
        ("expect: {from: c1, to: ^B, instance: s1}", "unknown group 'B'"),
        (
            "expect: {from: c1, to: A, instance: ^client}",
            "'client' is no member of A; members: s1, s2",
        ),
        ("expect: {from: c1, to: A, instance: ^s9}", "'s9' is no member of A; "),
        ("expect: {from: c1, to: A, instance: ^7}", "expected a server, a list of servers"),
        ("expect: {from: c1, to: A, instance: ^[]}", "expected a server, a list of servers"),
        ("expect: {from: ^[], to: A, instance: s1}", "expected a name or a list of names"),
        ("expect: {from: c1, to: A, never: ^s9}", "'s9' is no member of A"),
        ("expect: ^{from: c1, to: A}", "expects nothing: give instance, answered, never"),
        (
            "expect: ^{from: c1, to: A, instance: none, answered: true}",
            "what nobody receives nobody",
        ),
        ("expect: {from: c1, to: A, answered: ^maybe}", "expected true or false"),
        ("expect: ^{from: c1, to: A, instance: s1, within: 1s, for: 1s}", "within and for"),
        ("expect: ^{from: c1, to: A, never: s1, within: 1s}", "never holds for a time"),
        ("expect: {from: c1, to: A, instance: s1, within: ^soon}", "expected a time"),
        ("expect: {from: c1, to: A, instance: s1, within: ^0}", "expected a number greater"),
        ("expect: {from: c1, to: A, instance: s1, within: ^true}", "expected a time"),
        ("expect: {from: c1, to: A, instance: s1, family: ^5}", "expected 4 or 6"),
        ("expect: {from: c1, to: A, instance: s1, protocol: ^sctp}", "expected icmp, tcp or udp"),
        ("expect: {from: c1, to: A, exactly-one: ^maybe}", "expected true or false"),
        (
            "expect: {from: c1, to: A, ^instanse: s1}",
            "unknown key 'instanse'; did you mean 'instance'?",
        ),
        ("expect: ^s1", "expected a mapping"),
        ("catchment: {group: ^B}", "unknown group 'B'"),
        ("catchment: {clients: [c1, ^r1]}", "'r1' is a router, not a client"),
        ("catchment: {is: {c9: ^s1}}", "unknown client 'c9'"),
        ("catchment: {is: {c1: ^r1}}", "'r1' is no member of A"),
        ("catchment: {is: ^{c1: 5}}", "for each client, expected a server"),
        ("catchment: {is: ^s1}", "expected predicted, or a mapping from clients"),
        ("catchment: {is: {c1: s1}, clients: ^[c1]}", "the clients of a map are its keys"),
    ],
)
def test_every_mistake_is_reported_where_it_is_made(step: str, mistake: str) -> None:
    before, _, after = step.partition("^")
    column = len(f"  - {before}") + 1
    found = mistakes(f"- {before}{after}")
    assert any(one.startswith(f"1:{column}: {mistake}") for one in found), found


def test_a_name_that_is_nearly_right_is_answered_by_the_right_one() -> None:
    longer = FIGURE1.replace("s1", "server-1").replace("c1", "client-1")
    (node,) = mistakes("- kill: server1", longer)
    assert node.endswith("unknown node 'server1'; did you mean 'server-1'?")
    (client,) = mistakes("- expect: {from: client1, to: A, instance: s2}", longer)
    assert client.endswith("unknown client 'client1'; did you mean 'client-1'?")
    (member,) = mistakes("- expect: {from: c2, to: A, instance: server1}", longer)
    assert member.endswith("'server1' is no member of A; did you mean 'server-1'?")


def test_all_mistakes_of_all_steps_are_reported_at_once() -> None:
    found = mistakes("- kill: s4\n- revive: s5\n- expect: {from: c7, to: B, never: s1}\n")
    assert [one.partition(":")[0] for one in found] == ["1", "2", "3", "3"]


def test_a_map_of_several_groups_must_say_which() -> None:
    (only,) = mistakes("- catchment: {is: {c1: s1}}", WITH_LAN)
    assert "whose catchment? give group: one of A, B" in only


def test_a_port_on_a_lan_can_be_cut_but_has_no_cost_to_set() -> None:
    (line,) = script(document("- cut: [s1, lan1]", WITH_LAN))
    assert line.text == "cut: [s1, lan1]"
    (only,) = mistakes("- set-cost: {link: [s1, lan1], cost: 3}", WITH_LAN)
    assert "'lan1' is a LAN; only a link's cost can be set" in only
