"""Daemons are started, watched and ended, and what became of them can be told."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from anycastlab.errors import ProgramError
from anycastlab.kernel import namespace
from anycastlab.kernel.arrival import wait_for_file
from anycastlab.lab.processes import LOG_LIMIT, Daemon, Processes, find_program, without

from .conftest import script

FOR_EVER = "exec tail -f /dev/null"


@pytest.fixture
def processes(rundir: Path) -> Iterator[Processes]:
    before = signal.getsignal(signal.SIGCHLD)
    made = Processes(rundir)
    yield made
    made.close()
    assert signal.getsignal(signal.SIGCHLD) == before


@pytest.fixture
def held() -> Iterator[int]:
    with namespace.returning_home():
        descriptor = namespace.create()
    yield descriptor
    os.close(descriptor)


def wait_for_end(daemon: Daemon) -> None:
    assert select.select([daemon.handle], [], [], 10)[0], "it runs on"


def test_a_daemon_runs_in_its_node_and_in_its_directory(
    processes: Processes, held: int, tmp_path: Path
) -> None:
    program = script(tmp_path, "looker", f"pwd; echo hello >&2; {FOR_EVER}")
    home = os.readlink("/proc/self/ns/net"), str(Path.cwd())
    daemon = processes.start("r1", held, [str(program)])
    assert namespace.inode(held) == os.stat(f"/proc/{daemon.pid}/ns/net").st_ino
    assert os.readlink(f"/proc/{daemon.pid}/cwd") == str(processes.directory("r1").resolve())
    assert (os.readlink("/proc/self/ns/net"), str(Path.cwd())) == home
    assert processes.ended() == ""


def test_what_a_daemon_says_is_kept(processes: Processes, held: int, tmp_path: Path) -> None:
    program = script(tmp_path, "talker", "echo first; echo second >&2")
    daemon = processes.start("r1", held, [str(program)])
    wait_for_end(daemon)
    assert daemon.log.read_text() == "first\nsecond\n"
    assert daemon.last_words() == "first | second"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("echo bad luck; exit 3", "quitter in r1 ended with status 3: bad luck"),
        ("exit 0", "quitter in r1 ended with status 0"),
        ("kill -9 $$", "quitter in r1 ended by SIGKILL"),
    ],
)
def test_a_daemon_that_ends_by_itself_is_told_of(
    processes: Processes, held: int, tmp_path: Path, text: str, said: str
) -> None:
    wait_for_end(processes.start("r1", held, [str(script(tmp_path, "quitter", text))]))
    assert processes.ended() == said


def test_one_that_was_stopped_is_not(processes: Processes, held: int, tmp_path: Path) -> None:
    daemon = processes.start("r1", held, [str(script(tmp_path, "stayer", FOR_EVER))])
    processes.stop("r1", signal.SIGTERM)
    assert processes.ended() == ""
    with pytest.raises(ProcessLookupError):
        os.kill(daemon.pid, 0)


def in_one_thread(function: Callable[[], str]) -> str:
    """Call a function in a process of its own: a worker of a parallel run has a second thread.

    The kernel hands that one the signals which a test's thread holds back.
    """
    read, write = os.pipe()
    if (pid := os.fork()) == 0:
        try:
            os.write(write, function().encode())
        finally:
            os._exit(0)
    os.close(write)
    with open(read, encoding="utf-8") as answer:
        text = answer.read()
    os.waitpid(pid, 0)
    return text


def test_how_it_ended_is_known_though_an_init_reaps_all_its_children(
    rundir: Path, held: int, tmp_path: Path
) -> None:
    def reap(_number: int, _frame: object) -> None:
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return

    def found() -> str:
        signal.signal(signal.SIGCHLD, reap)
        processes = Processes(rundir)
        wait_for_end(processes.start("r1", held, [str(script(tmp_path, "quitter", "exit 7"))]))
        return processes.ended()

    assert in_one_thread(found) == "quitter in r1 ended with status 7"


def test_one_that_somebody_else_has_reaped_can_be_stopped(
    rundir: Path, held: int, tmp_path: Path
) -> None:
    def stopped() -> str:
        processes = Processes(rundir)
        program = [str(script(tmp_path, "quitter", "exit 7"))]
        with without(signal.SIGCHLD):
            daemon = processes.start("r1", held, program, short=True)
            wait_for_end(daemon)
            os.waitpid(daemon.pid, 0)
            processes.stop("r1", signal.SIGKILL)
        return str(daemon.status)

    assert in_one_thread(stopped) == "None"


def test_one_that_ignores_term_is_killed(
    processes: Processes, held: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anycastlab.lab.processes._TERM_WITHIN", 0.2)
    program = script(
        tmp_path, "deaf", "trap '' TERM; touch deaf; while :; do read x; done </dev/zero"
    )
    daemon = processes.start("r1", held, [str(program)])
    ready = processes.directory("r1") / "deaf"
    assert wait_for_file(ready, time.monotonic() + 10, daemon.handle)
    processes.stop("r1", signal.SIGTERM)
    assert daemon.status == -signal.SIGKILL


def test_a_log_that_fills_up_leaves_room_on_the_disk(
    processes: Processes, held: int, tmp_path: Path
) -> None:
    daemon = processes.start("r1", held, [str(script(tmp_path, "gossip", "exec yes"))])
    wait_for_end(daemon)
    assert daemon.log.stat().st_size == LOG_LIMIT
    assert processes.ended().startswith("gossip in r1 ended with status 1")


def test_a_second_start_takes_the_place_of_the_first(
    processes: Processes, held: int, tmp_path: Path
) -> None:
    program = script(tmp_path, "stayer", FOR_EVER)
    first = processes.start("r1", held, [str(program)])
    second = processes.start("r1", held, [str(program)])
    assert processes.running("r1") == [second]
    assert first.status == -signal.SIGKILL


def test_a_missing_program_is_an_error_that_names_the_package(programs: Path) -> None:
    with pytest.raises(ProgramError, match="bird is not installed; sudo apt install bird2"):
        find_program("bird", "bird2")
    script(programs, "bird", "")
    assert find_program("bird", "bird2") == str(programs / "bird")


def test_daemons_are_found_beside_an_ordinary_users_path(programs: Path) -> None:
    sbin = programs / "../sbin"
    sbin.mkdir()
    script(sbin, "bird", "")
    assert Path(find_program("bird", "bird2")).samefile(sbin / "bird")


def test_what_is_no_program_cannot_be_started(
    processes: Processes, held: int, tmp_path: Path
) -> None:
    (tmp_path / "empty").write_text("")
    with pytest.raises(ProgramError, match="cannot start"):
        processes.start("r1", held, [str(tmp_path / "empty")])
    assert processes.running("r1") == []
