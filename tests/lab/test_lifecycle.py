"""A lab's life from the command line: up, list, status, exec, down; and all that can go wrong."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from anycastlab.errors import AnycastlabError, LostLabError
from anycastlab.kernel.process import Process
from anycastlab.lab.channel import Channel
from anycastlab.lab.handle import Lab
from anycastlab.lab.record import LabDirectory, base_directory, lab_names
from anycastlab.lab.teardown import take_down, wait_cleaned
from tests.lab.conftest import Cli, unique

NETNS = Path("/run/netns")


def test_up_list_status_exec_down(diamond: Path, cli: Cli) -> None:
    name = unique("diamond")
    up = cli("up", str(diamond))
    assert (up.returncode, up.stderr) == (0, "")
    assert f"lab {name} is up: 7 nodes, 7 links" in up.stdout
    listed = json.loads(cli("list", "--json").stdout)
    assert {"lab": name, "state": "up", "file": str(diamond)} in listed
    status = json.loads(cli("status", name, "--json").stdout)
    assert [node["node"] for node in status["nodes"]] == ["r1", "r2", "r3", "r4", "c1", "s1", "s2"]
    assert all(node["alive"] for node in status["nodes"])
    shown = cli("exec", name, "c1", "--", "ip", "-br", "link")
    assert shown.returncode == 0
    assert "to-r1" in shown.stdout
    assert cli("exec", name, "c1", "--", "sh", "-c", "exit 7").returncode == 7
    assert cli("exec", name, "c1", "--", "no-such-program").returncode == 127
    by_name = ["ip", "netns", "exec", f"{name}.r1", "ip", "-br", "link"]
    assert "to-r2" in subprocess.run(by_name, capture_output=True, text=True, check=True).stdout
    down = cli("down", name, "--wait")
    assert (down.returncode, down.stdout) == (0, f"lab {name} is down\n")
    assert not list(NETNS.glob(f"{name}.*"))
    assert name not in lab_names()
    again = cli("down", name)
    assert (again.returncode, again.stdout) == (0, f"lab {name} was not up\n")


def test_a_second_up_of_the_same_name_is_refused_and_the_first_lives(lab: Lab, cli: Cli) -> None:
    second = cli("up", lab.record.file)
    assert second.returncode == 4
    assert "is already up" in second.stderr
    assert cli("exec", lab.name, "c1", "--", "true").returncode == 0


def test_a_foreign_namespace_of_the_same_name_is_neither_used_nor_removed(
    diamond: Path, cli: Cli
) -> None:
    name = f"{unique('diamond')}.r2"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        up = cli("up", str(diamond))
        assert up.returncode == 4
        assert f"{name!r} exists that this lab did not make" in up.stderr
        assert cli("down", unique("diamond")).returncode == 0
        assert [path.name for path in NETNS.glob(f"{unique('diamond')}.*")] == [name]
        assert unique("diamond") not in lab_names()
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True)


def test_unknown_labs_and_nodes_are_named_with_the_nearest_known(lab: Lab, cli: Cli) -> None:
    wrong = cli("status", lab.name[:-1])
    assert wrong.returncode == 4
    assert f"did you mean {lab.name!r}" in wrong.stderr
    wrong = cli("exec", lab.name, "c11", "--", "true")
    assert wrong.returncode == 2
    assert "did you mean 'c1'" in wrong.stderr


def test_the_supervisors_death_ends_everything_and_down_cleans_up(lab: Lab, cli: Cli) -> None:
    with lab.inside("c1"):
        pass
    inside = subprocess.Popen(
        [sys.executable, "-m", "anycastlab", "exec", lab.name, "c1", "--", "sleep", "1000"]
    )
    supervisor = lab.record.supervisor
    assert supervisor is not None
    lab.close()
    assert supervisor.kill()
    assert inside.wait(timeout=60) != 0
    listed = json.loads(cli("list", "--json").stdout)
    assert {"lab": lab.name, "state": "dead", "file": lab.record.file} in listed
    dead = cli("status", lab.name)
    assert dead.returncode == 4
    assert "is dead; clean up" in dead.stderr
    assert cli("down", lab.name).returncode == 0
    assert not list(NETNS.glob(f"{lab.name}.*"))


def test_up_that_is_interrupted_leaves_nothing(tmp_path: Path) -> None:
    name = unique("big")
    file = tmp_path / "big.yaml"
    shape = [sys.executable, "-m", "anycastlab", "generate", "ring", "--nodes", "400"]
    text = subprocess.run(shape, capture_output=True, text=True, check=True).stdout
    lines = [f"name: {name}" if line.startswith("name:") else line for line in text.splitlines()]
    file.write_text("\n".join(lines))
    up = subprocess.Popen(
        [sys.executable, "-m", "anycastlab", "up", str(file)], stderr=subprocess.PIPE, text=True
    )
    try:
        while not list(NETNS.glob(f"{name}.*")) and up.poll() is None:
            pass
        up.send_signal(2)
        _, said = up.communicate(timeout=30)
        assert up.returncode == 130
        assert "interrupted" in said
        assert not list(NETNS.glob(f"{name}.*"))
        assert name not in lab_names()
    finally:
        take_down(name)


def test_down_during_up_ends_both(tmp_path: Path, cli: Cli, diamond: Path) -> None:
    name = unique("diamond")
    up = subprocess.Popen(
        [sys.executable, "-m", "anycastlab", "up", str(diamond)], stderr=subprocess.PIPE, text=True
    )
    while (record := LabDirectory(name).read()) is None or record.supervisor is None:
        assert up.poll() is None
    assert cli("down", name).returncode == 0
    up.communicate(timeout=30)
    assert up.returncode in (0, 130)  # 0: it was ready first
    assert name not in lab_names()
    assert not list(NETNS.glob(f"{name}.*"))


def test_a_full_disk_is_one_message_and_leaves_nothing(
    diamond: Path, tmp_path: Path, cli: Cli
) -> None:
    place = tmp_path / "full"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "full", str(place)], check=True)
    try:
        (place / "filler").write_bytes(b"x" * 4096)
        up = cli("up", str(diamond), env={**os.environ, "ANYCASTLAB_RUN": str(place)})
        assert up.returncode == 3
        assert "No space left on device" in up.stderr
        assert "Traceback" not in up.stderr
        assert [path.name for path in place.iterdir()] == ["filler"]
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_several_labs_are_up_at_once_and_one_must_be_named(
    lab: Lab, tmp_path: Path, cli: Cli
) -> None:
    other = unique("other")
    try:
        assert cli("up", lab.record.file, "--name", other).returncode == 0
        assert {lab.name, other} <= set(lab_names())
        unnamed = cli("status")
        assert unnamed.returncode == 2
        assert other in unnamed.stderr
    finally:
        cli("down", other)
    assert cli("exec", lab.name, "c1", "--", "true").returncode == 0


def test_a_half_written_record_is_cleaned_up() -> None:
    directory = LabDirectory(unique("torn"))
    directory.path.mkdir(parents=True)
    (directory.path / "state.json").write_text('{"format": 1, "na')
    assert take_down(directory.name)
    assert not directory.path.exists()
    assert not take_down(directory.name)


def test_a_lab_whose_record_somebody_removed_goes_down_by_its_handle(
    diamond: Path, leak_guard: None
) -> None:
    lab = Lab.up(diamond)
    shutil.rmtree(lab.directory)
    assert not take_down(lab.name)
    assert lab.record.alive
    lab.down()
    assert not lab.record.alive
    assert not (NETNS / f"{lab.name}.r1").is_symlink()


def test_a_handle_leaves_a_later_lab_of_its_name_alone(diamond: Path, leak_guard: None) -> None:
    before = Lab.up(diamond)
    take_down(before.name)
    with Lab.up(diamond) as lab:
        before.down()
        assert lab.state().dead == frozenset()
        assert lab.name in lab_names()
        assert (NETNS / f"{lab.name}.r1").is_symlink()


def test_whoever_uses_a_lab_whose_supervisor_ends_is_told(lab: Lab) -> None:
    assert lab.record.supervisor is not None
    lab.state()
    assert lab.record.supervisor.kill()
    for _ in range(2):
        with pytest.raises(LostLabError, match="the lab has gone: its supervisor ended"):
            lab.state()


def test_a_process_number_used_again_is_not_taken_for_the_supervisor() -> None:
    mine = Process.of(os.getpid())
    other = Process(mine.pid, mine.started + 1)
    assert mine.alive()
    assert not other.alive()
    assert other.kill()
    assert mine.alive()


def test_waiting_for_the_kernel_ends_when_a_namespace_let_go_is_freed(lab: Lab) -> None:
    lab.down()
    assert wait_cleaned() < 60
    assert not (base_directory() / lab.name).exists()


def test_of_two_ups_at_once_one_wins_and_the_other_says_why(diamond: Path, cli: Cli) -> None:
    words = [sys.executable, "-m", "anycastlab", "up", str(diamond)]
    both = [subprocess.Popen(words, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [up.communicate(timeout=30)[1] for up in both]
    assert sorted(up.returncode for up in both) == [0, 4], said
    assert "up" in next(text for text in said if text)
    assert cli("exec", unique("diamond"), "c1", "--", "true").returncode == 0


def test_nonsense_on_the_labs_socket_does_not_end_the_lab(lab: Lab) -> None:
    control = str(LabDirectory(lab.name).control)
    for nonsense in (b"{\n", b"[]\n", b'{"do": 1}\n', b'{"do": "kill"}\n', b"\xff\xfe\n", b"7\n"):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(control)
            client.sendall(nonsense)
            assert b'"error"' in client.recv(4096), nonsense
    channel = Channel(Path(control))
    with pytest.raises(AnycastlabError):
        channel.call("namespaces")
    channel.close()
    assert lab.state().dead == frozenset()


def test_a_network_in_two_pieces_comes_up_and_unreachable_is_no_crash(
    tmp_path: Path, cli: Cli
) -> None:
    name = unique("pieces")
    file = tmp_path / "pieces.yaml"
    file.write_text(
        f"name: {name}\nnodes: {{r1: router, r2: router, c1: client, s1: server}}\n"
        "links: [[c1, r1], [s1, r2]]\nanycast: {A: {members: [s1]}}\n"
    )
    done = cli("run", str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nobody" in done.stdout or "none" in done.stdout


def test_a_name_that_leads_to_a_dead_process_is_taken_over(diamond: Path, cli: Cli) -> None:
    NETNS.mkdir(exist_ok=True)
    left = NETNS / f"{unique('diamond')}.r1"
    left.symlink_to("/proc/999999999/fd/7")
    assert cli("up", str(diamond)).returncode == 0
    assert left.exists()
    assert cli("down", unique("diamond")).returncode == 0
    assert not left.is_symlink()
