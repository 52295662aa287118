"""How recordings are joined: what only passes through a member does not count for it."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest

from anycastlab.probing.ledger import REFUSED, Ledger
from anycastlab.probing.match import observe
from anycastlab.probing.observation import Observation
from anycastlab.probing.plan import Block, Kind, Target
from anycastlab.probing.taps import Recording

FIRST = 1000
FLOW = b"a flow"
TARGETS = [Target("A", "192.0.2.1", b"", 0)]


def joined(
    *,
    kind: Kind = "icmp",
    answered: int = 2000,
    name: str | None = None,
    **taps: Recording,
) -> Observation:
    """Join one probe, sent at 1000 ns."""
    ledger = Ledger(FIRST, 1)
    ledger.sent[0] = 1000
    ledger.flows[FLOW] = 0
    if answered:
        ledger.note(FIRST, answered, name)
    block = Block("c1", 4, kind, TARGETS, 0)
    (found,) = observe([block], ledger, taps, {4: {("c1", "A"): ("s1",)}})
    return found


def test_a_probe_received_and_answered() -> None:
    one = joined(s1=Recording(arrived=[(FIRST, 1500)], replied=[(FIRST, 1600)]), s2=Recording())
    assert (one.received_by, one.answered_by, one.copies, one.rtt) == (("s1",), "s1", 1, 1e-6)
    assert one.ok


def test_an_answer_the_client_did_not_get_does_not_count() -> None:
    seen = Recording(arrived=[(FIRST, 1500)], replied=[(FIRST, 1600)])
    for answered in (0, REFUSED):
        one = joined(answered=answered, s1=seen)
        assert (one.received_by, one.answered_by, one.rtt) == (("s1",), None, None)
        assert not one.ok


def test_ids_of_others_are_left_out() -> None:
    strange = [(FIRST - 1, 1500), (FIRST + 1, 1500)]
    one = joined(s1=Recording(arrived=strange, replied=strange))
    assert (one.received_by, one.answered_by, one.copies) == ((), None, 0)


def test_two_copies_at_one_member_are_two_copies() -> None:
    one = joined(s1=Recording(arrived=[(FIRST, 1500), (FIRST, 1501)], replied=[(FIRST, 1600)]))
    assert (one.received_by, one.copies) == (("s1",), 2)


def test_a_member_that_forwards_a_probe_has_not_received_it() -> None:
    passing = Recording(
        arrived=[(FIRST, 1500)],
        passed_on=[(FIRST, 1501)],
        replies_in=[(FIRST, 1599)],
        replied=[(FIRST, 1600)],
    )
    one = joined(s1=passing, s2=Recording(arrived=[(FIRST, 1550)], replied=[(FIRST, 1598)]))
    assert (one.received_by, one.answered_by, one.copies) == (("s2",), "s2", 1)


def test_of_two_answers_the_first_to_leave_counts() -> None:
    late = Recording(arrived=[(FIRST, 1500)], replied=[(FIRST, 1700)])
    early = Recording(arrived=[(FIRST, 1500)], replied=[(FIRST, 1600)])
    assert joined(s1=late, s2=early).answered_by == "s2"
    assert joined(s1=early, s2=late).answered_by == "s1"
    assert joined(s1=early, s2=late).received_by == ("s1", "s2")


def test_the_name_inside_an_answer_counts_whoever_received_the_request() -> None:
    one = joined(kind="udp", name="s2", s1=Recording(arrived=[(FIRST, 1500)]))
    assert (one.received_by, one.answered_by) == (("s1",), "s2")
    assert not one.ok


def test_a_syn_sent_again_is_no_copy() -> None:
    again = [(FLOW, False, b"at 1 s", 1500), (FLOW, False, b"at 2 s", 2500)]
    one = joined(kind="tcp", name="s1", s1=Recording(sessions=again))
    assert (one.received_by, one.copies) == (("s1",), 1)


def test_a_syn_that_came_twice_is() -> None:
    twice = [(FLOW, False, b"at 1 s", 1500)]
    one = joined(kind="tcp", name="s1", s1=Recording(sessions=twice), s2=Recording(sessions=twice))
    assert (one.received_by, one.copies) == (("s1", "s2"), 2)


def test_a_member_that_forwards_a_syn_has_not_received_it() -> None:
    through = [(FLOW, False, b"syn", 1500), (FLOW, True, b"syn", 1501)]
    one = joined(kind="tcp", name="s1", s1=Recording(sessions=through))
    assert (one.received_by, one.copies) == ((), 0)


def formal(kind: Kind, source: str | None) -> Observation:
    """Join a probe to an address of mode rfc2373, received by s1 and answered from *source*."""
    ledger = Ledger(FIRST, 1, sources=True)
    ledger.flows[FLOW] = 0
    seen = Recording(arrived=[(FIRST, 1500)], sessions=[(FLOW, False, b"syn", 1500)])
    if source is not None:
        seen.replied.append((FIRST, 1600))
        ledger.note(FIRST, 2000, "s1")
        ledger.hear(FIRST, bytes(8) + IPv6Address(source).packed + bytes(8))
    block = Block("c1", 6, kind, [Target("A", "2001:db8:a::1", bytes(16), 0, formal=True)], 0)
    (found,) = observe([block], ledger, {"s1": seen}, {6: {("c1", "A"): ("s1",)}})
    return found


@pytest.mark.parametrize("kind", ["icmp", "udp"])
def test_a_formal_address_is_answered_from_another_and_never_from_itself(kind: Kind) -> None:
    lawful, unlawful = formal(kind, "2001:db8::7"), formal(kind, "2001:db8:a::1")
    assert (lawful.answered_by, lawful.reply_from, lawful.ok) == ("s1", "2001:db8::7", True)
    assert (unlawful.answered_by, unlawful.reply_from, unlawful.ok) == (
        "s1",
        "2001:db8:a::1",
        False,
    )
    assert not formal(kind, None).ok


def test_a_formal_address_takes_no_tcp() -> None:
    silent, talking = formal("tcp", None), formal("tcp", "2001:db8:a::1")
    assert (silent.received_by, silent.answered_by, silent.ok) == (("s1",), None, True)
    assert not talking.ok


def test_where_nobody_looks_no_source_is_told() -> None:
    seen = Recording(arrived=[(FIRST, 1500)], replied=[(FIRST, 1600)])
    assert joined(s1=seen).reply_from is None
