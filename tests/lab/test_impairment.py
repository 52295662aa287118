"""Links that delay, lose and limit packets: the same with netem and with the lab's own wires."""

from __future__ import annotations

import os
import signal
import socket
import statistics
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from anycastlab.errors import FeatureError, HostError, UsageError
from anycastlab.kernel import namespace, qdisc
from anycastlab.lab.handle import Lab
from anycastlab.probing.prober import Prober
from tests.lab.conftest import Cli, unique
from tests.lab.impaired import LINE, blast, eventually

Up = Callable[..., Lab]


def netem_works() -> bool:
    with namespace.returning_home():
        place = namespace.create()
    try:
        return qdisc.has_netem(place)
    finally:
        os.close(place)


@pytest.fixture(params=["wire", "netem"])
def means(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """By what links are impaired: without netem, or with it where the kernel has it."""
    if request.param == "wire":
        monkeypatch.setattr(qdisc, "has_netem", lambda _place: False)
    elif not netem_works():
        pytest.skip("this kernel has no netem")
    return str(request.param)


@pytest.fixture
def up(tmp_path: Path, leak_guard: None) -> Iterator[Up]:
    """Bring up the line with a link of these properties."""
    labs = []

    def bring_up(slow: str = "delay: 0ms") -> Lab:
        file = tmp_path / "line.yaml"
        file.write_text(LINE.format(name=unique("line"), slow=slow))
        labs.append(Lab.up(file))
        return labs[-1]

    yield bring_up
    for lab in labs:
        lab.down(wait=True)


def ip(lab: Lab, node: str, *words: str) -> str:
    with lab.inside(node):
        done = subprocess.run(["ip", *words], capture_output=True, text=True, check=True)
    return done.stdout


# Every property


def test_a_delay_is_added_each_way_in_both_families_and_all_protocols(means: str, up: Up) -> None:
    lab = up("delay: 10ms")
    (impaired,) = lab.status()["impaired"]
    assert (impaired["link"], impaired["by"], impaired["delay"]) == ("r1--r2", means, 0.010)
    with Prober(lab) as prober:
        seen = [one for _ in range(5) for one in prober.catchment()]
    assert all(one.ok for one in seen)
    for family in (4, 6):
        trips = [one.rtt for one in seen if one.family == family and one.rtt is not None]
        assert min(trips) >= 0.01999
        assert statistics.median(trips) < 0.025
    lab.impair("r1", "r2", delay=0.002)
    with Prober(lab) as prober:
        trips = [one.rtt for _ in range(5) for one in prober.catchment() if one.rtt is not None]
    assert 0.00399 <= min(trips) < 0.010


def test_the_delay_of_a_clients_own_link_is_in_its_round_trip(means: str, up: Up) -> None:
    lab = up()
    if means == "wire":
        with pytest.raises(FeatureError):
            lab.impair("c1", "r1", delay=0.010)
        lab.impair("r1", "r2", delay=0.010)
    else:
        lab.impair("c1", "r1", delay=0.010)
    with Prober(lab) as prober:
        trips = [one.rtt for one in prober.catchment() if one.rtt is not None]
    assert min(trips) >= 0.01999


def test_a_share_is_lost_each_way_and_all_at_a_hundred_percent(means: str, up: Up) -> None:
    lab = up("loss: 30%")
    assert 610 < len(blast(lab, 1000)) < 790  # 700 ± 6 standard deviations
    lab.impair("r1", "r2", loss=1.0)
    assert blast(lab, 50) == []
    lab.impair("r1", "r2", loss=0.0)
    assert len(blast(lab, 1000)) == 1000


def test_a_rate_spaces_packets_out(means: str, up: Up) -> None:
    lab = up("rate: 10mbit")
    found = blast(lab, 100, size=1208)  # 1250 bytes on the wire: 1 ms each
    assert [one.number for one in found] == list(range(100))
    assert found[-1].seconds == pytest.approx(0.100, rel=0.15)


def test_a_full_queue_drops_what_comes_last(means: str, up: Up) -> None:
    lab = up("rate: 1mbit")
    found = blast(lab, 1500, size=58)
    assert 1000 <= len(found) < 1300  # some leave while others still come
    assert [one.number for one in found[:1000]] == list(range(1000))


def test_jitter_varies_the_delay_and_may_reorder(means: str, up: Up) -> None:
    lab = up("delay: 20ms, jitter: 10ms")
    found = blast(lab, 300)
    times = [one.seconds for one in found]
    assert len(found) == 300
    assert 0.00999 <= min(times) < 0.013
    assert 0.027 < statistics.quantiles(times, n=20)[-1] < 0.040
    numbers = [one.number for one in found]
    assert numbers != sorted(numbers)


def test_duplicates_arrive_twice_and_reordered_ones_early(means: str, up: Up) -> None:
    lab = up("delay: 20ms")
    lab.impair("r1", "r2", duplicate=1.0)
    assert sorted(one.number for one in blast(lab, 50)) == sorted(2 * list(range(50)))
    lab.impair("r1", "r2", reorder=0.5)
    found = blast(lab, 200)
    early = sum(one.seconds < 0.015 for one in found)
    assert 60 < early < 140
    assert len(found) == 200
    lab.impair("r1", "r2")
    assert min(one.seconds for one in blast(lab, 50)) >= 0.01999


# The carrier, and faults around it


def carriers(lab: Lab) -> tuple[bool, bool]:
    near, far = ip(lab, "r1", "link", "show", "to-r2"), ip(lab, "r2", "link", "show", "to-r1")
    return "LOWER_UP" in near, "LOWER_UP" in far


def test_the_carrier_of_one_end_is_that_of_the_other(means: str, up: Up) -> None:
    lab = up("delay: 1ms")
    assert carriers(lab) == (True, True)
    for order in ((("r1", "to-r2"), ("r2", "to-r1")), (("r2", "to-r1"), ("r1", "to-r2"))):
        for node, name in order:
            ip(lab, node, "link", "set", name, "down")
            assert eventually(lambda: carriers(lab) == (False, False))
        for (node, name), seen in zip(order, (False, True), strict=True):
            ip(lab, node, "link", "set", name, "up")
            assert eventually(lambda seen=seen: carriers(lab) == (seen, seen))


def trip(lab: Lab) -> float:
    with Prober(lab) as prober:
        seen = prober.catchment(groups=["A"])
    assert all(one.ok for one in seen), seen
    return min(one.rtt for one in seen if one.rtt is not None)


def test_an_impaired_link_is_cut_mended_and_survives_both_its_nodes(means: str, up: Up) -> None:
    lab = up("delay: 5ms")
    lab.impair("r1", "r2", delay=0.008)
    lab.cut("r1", "r2")
    assert trip(lab) < 0.010  # s2, on the other side
    lab.mend("r1", "r2")
    assert eventually(lambda: carriers(lab) == (True, True))
    assert trip(lab) >= 0.01599
    for node in ("r2", "r1"):
        for _ in range(5):
            lab.kill(node)
            lab.revive(node)
        assert trip(lab) >= 0.01599
    lab.kill("r2")
    lab.impair("r1", "r2", delay=0.003)
    assert trip(lab) < 0.006
    lab.revive("r2")
    assert 0.00599 <= trip(lab) < 0.016


def test_what_lies_between_the_ends_says_nothing_of_its_own(means: str, up: Up) -> None:
    lab = up("delay: 1ms")
    with lab.socket("r2", socket.AF_PACKET, socket.SOCK_RAW, 0) as tap:
        tap.bind(("to-r1", 3))
        tap.settimeout(0.2)
        lab.cut("r1", "r2")
        lab.mend("r1", "r2")
        assert trip(lab) > 0
        assert tap.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)  # it was down for a while
        senders = set()
        try:
            while True:
                senders.add(tap.recv(2000)[6:12])
        except TimeoutError:
            pass
    assert senders == {lab.network.links[1].a.mac, lab.network.links[1].b.mac}


def test_a_bulk_transfer_crosses_an_impaired_link_whole(means: str, up: Up) -> None:
    lab = up("delay: 1ms")
    target = (str(lab.network.nodes["s1"].ipv4), 7777)
    with (
        lab.socket("s1", socket.AF_INET, socket.SOCK_STREAM) as listener,
        lab.socket("c1", socket.AF_INET, socket.SOCK_STREAM) as client,
    ):
        listener.bind(target)
        listener.listen()
        client.settimeout(10)
        client.connect(target)
        server, _ = listener.accept()
        data, got = os.urandom(1 << 16), b""
        with server:
            for _ in range(32):
                client.sendall(data)
                part = b""
                while len(part) < len(data):
                    part += server.recv(1 << 20)
                got += part
        assert got == 32 * data


# What cannot be done


def test_a_link_the_file_says_nothing_of_needs_netem(means: str, up: Up, cli: Cli) -> None:
    lab = up()
    if means == "netem":
        lab.impair("s1", "r2", delay=0.010)
        assert trip(lab) >= 0.01999
        return
    with pytest.raises(FeatureError, match="write `delay: 0ms` for that link") as refused:
        lab.impair("s1", "r2", delay=0.010)
    assert refused.value.exit_status == 3
    done = cli("impair", lab.name, "s1", "r2", "delay=1ms")
    assert done.returncode == 3
    assert "write `delay: 0ms`" in done.stderr
    assert trip(lab) < 0.010


def test_what_makes_no_sense_is_refused_and_changes_nothing(means: str, up: Up) -> None:
    lab = up("delay: 5ms")
    before = lab.status()["impaired"]
    with pytest.raises(UsageError, match="is as written"):
        lab.impair("r1", "r2")
    with pytest.raises(UsageError, match="no link between"):
        lab.impair("c1", "r2", delay=0.010)
    with pytest.raises(UsageError, match="no node 'r9'"):
        lab.impair("r1", "r9", delay=0.010)
    assert lab.status()["impaired"] == before


def test_links_that_nothing_is_said_of_need_no_process(means: str, up: Up) -> None:
    lab = up("cost: 2")
    assert wires(lab) == []
    assert lab.status()["impaired"] == []


def wires(lab: Lab) -> list[int]:
    """The processes that carry the frames of this lab's wires."""
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            name = Path(f"/proc/{entry}/comm").read_text().strip()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if name == f"wires:{lab.name}"[:15]:
            found.append(int(entry))
    return found


def test_a_wire_process_that_has_ended_is_said_and_the_lab_lives(
    monkeypatch: pytest.MonkeyPatch, up: Up
) -> None:
    monkeypatch.setattr(qdisc, "has_netem", lambda _place: False)
    lab = up("delay: 1ms")
    (process,) = wires(lab)
    os.kill(process, signal.SIGKILL)
    with pytest.raises(HostError, match="carries the frames of impaired links"):
        lab.impair("r1", "r2", delay=0.002)
    status = lab.status()
    assert status["nodes"]["r1"]["alive"]
    assert status["troubles"] == lab.troubles()
    assert "(r1--r2) has ended" in lab.troubles()[0]
