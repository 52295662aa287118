"""Each file in ``bad/`` gives exactly the messages written beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from anycastlab.errors import TopologyError
from anycastlab.topology.load import load

from .texts import EVERYTHING, complaints

BAD = Path(__file__).with_name("bad")


@pytest.mark.parametrize("file", sorted(BAD.glob("*.yaml")), ids=lambda file: file.stem)
def test_a_bad_file_gives_exactly_its_messages(file: Path) -> None:
    with pytest.raises(TopologyError) as caught:
        load(file)
    expected = file.with_suffix(".txt").read_text().splitlines()
    assert str(caught.value).splitlines() == [f"{file}:{line}" for line in expected]
    assert caught.value.exit_status == 2


def test_every_bad_file_has_messages_and_every_message_a_file() -> None:
    files = {file.stem for file in BAD.glob("*.yaml")}
    assert files == {file.stem for file in BAD.glob("*.txt")}
    assert all(file.read_text().strip() for file in BAD.glob("*.txt"))


def test_a_file_with_every_key_is_not_bad() -> None:
    assert complaints(EVERYTHING) == []


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (("name: everything", "name: Every/thing"), "1:7: lab name 'Every/thing' contains 'E'"),
        (("r1: router", "r1: ruter"), "4:7: expected router, client or server, not 'ruter'"),
        (("label: Second", "lable: Second"), "5:22: unknown key 'lable'; did you mean 'label'?"),
        (("addresses: 10.0.0.2", "addresses: 10.0.0.9"), "8:34: 10.0.0.9 is the address of node"),
        (("- [c1, r1]", "- [c1, c1]"), "10:5: a link from c1 to itself"),
        (("- [c1, r1]", "- [r2, r1]"), "11:5: duplicate link: r1 and r2 are linked on line 10"),
        (("cost: [10, 20]", "cost: [10, 0]"), "11:38: expected a whole number from 1 to 65535"),
        (("10.8.0.0/30", "10.9.0.8/30"), "15:35: this overlaps the subnet of link s1--r1"),
        (("[r1, r2, s2]", "[r1, r2, s3]"), "16:26: unknown node 's3'"),
        (("192.0.2.1", "10.255.0.1"), "19:17: service address 10.255.0.1 is taken: it is the"),
        (("192.0.2.1", "10.9.0.77"), "19:17: 10.9.0.77, of LAN lan1, needs routing: kernel"),
        (("192.0.2.1", "224.0.0.1"), "19:17: 224.0.0.1 is a multicast address"),
        (("240.0.0.1", "192.0.2.1"), "23:18: 192.0.2.1 is a service address of group A"),
        (("members: [s2]", "members: []"), "23:38: a group needs at least one member"),
        (("members: [s2]", "members: [c1]"), "23:39: c1 is a client"),
        (("daemon: bird", "daemon: bord"), "24:19: expected kernel, bird or frr, not 'bord'"),
        (("- kill: s1", "- {kill: s1, revive: s1}"), "27:5: a step is one verb"),
    ],
)
def test_one_mistake_gives_one_message_at_its_place(mistake: tuple[str, str], message: str) -> None:
    before, after = mistake
    assert EVERYTHING.count(before) == 1
    (found,) = complaints(EVERYTHING.replace(before, after))
    assert found.startswith(message)
