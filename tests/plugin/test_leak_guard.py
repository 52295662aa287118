"""The leak guard: each kind of thing a test can leave behind fails it, by name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

HEAD = """
import os, socket, subprocess, sys

kept = []

def child(*command):
    "Start a process that ends when this one does."
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    kept.append(process)
    return process
"""


def outcome(pytester: pytest.Pytester, body: str) -> tuple[dict[str, int], str]:
    """Run one test under the guard; return how it went, and all that was printed."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    pytester.makepyfile(f"{HEAD}\ndef test_it(leak_guard):\n{lines}\n")
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    return result.parseoutcomes(), result.stdout.str()


CLEAN = """
import os, socket, subprocess, pytest

@pytest.fixture(autouse=True)
def guarded(leak_guard): pass

def test_nothing(): pass
def test_closed_descriptor(): os.close(os.open("/dev/null", os.O_RDONLY))
def test_ended_process(): subprocess.run(["true"], check=True)
def test_ended_child_nobody_waited_for():
    if os.fork() == 0:
        os._exit(0)
def test_closed_socket():
    with socket.socket():
        pass
"""


def test_tests_that_leave_nothing_pass(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(CLEAN)
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=5)


def test_an_open_descriptor_is_found(pytester: pytest.Pytester) -> None:
    counts, text = outcome(pytester, "os.open('/dev/zero', os.O_RDONLY)")
    assert counts == {"passed": 1, "errors": 1}
    assert "the test left behind:" in text
    assert "(/dev/zero)" in text


def test_a_process_is_found(pytester: pytest.Pytester) -> None:
    counts, text = outcome(pytester, "child('cat')")
    assert counts["errors"] == 1
    assert "(cat)" in text


def test_a_process_that_left_its_parent_and_session_is_found(pytester: pytest.Pytester) -> None:
    body = """\
read, write = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.close(write)
        os.execlp("cat", "cat", f"/proc/self/fd/{read}")
    os._exit(0)
os.wait()
os.set_inheritable(read, True)"""
    body = body.replace("os.pipe()", "os.pipe()\nos.set_inheritable(read, True)")
    counts, text = outcome(pytester, body)
    assert counts["errors"] == 1
    assert "(cat)" in text


def test_a_namespace_held_by_a_process_is_found(pytester: pytest.Pytester) -> None:
    counts, text = outcome(pytester, "child('unshare', '-n', 'cat').stdin.write(b'')")
    assert counts["errors"] == 1
    assert "network namespace net:[" in text


def test_a_namespace_held_by_a_descriptor_is_found(pytester: pytest.Pytester) -> None:
    body = """\
from anycastlab.kernel.namespace import create
create()"""
    counts, text = outcome(pytester, body)
    assert counts["errors"] == 1
    assert "network namespace net:[" in text


def test_a_link_in_the_tests_own_namespace_is_found(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        "from anycastlab.kernel.syscalls import CLONE_NEWNET, unshare\nunshare(CLONE_NEWNET)\n"
    )
    body = """\
from pyroute2 import IPRoute
with IPRoute() as route:
    route.link("add", ifname="leaked0", kind="bridge")"""
    counts, text = outcome(pytester, body)
    assert counts == {"passed": 1, "errors": 1}
    assert "link leaked0 in this namespace" in text


def test_a_name_in_run_netns_is_found(pytester: pytest.Pytester) -> None:
    name = Path("/run/netns") / f"leaked-{os.getpid()}"
    try:
        body = f"os.makedirs('/run/netns', exist_ok=True)\nos.symlink('/proc/1/nothing/', '{name}')"
        counts, _ = outcome(pytester, body)
        assert counts == {"passed": 1}  # another living process stands behind this one
        name.unlink()
        counts, text = outcome(pytester, f"os.symlink('/proc/{2**30}/fd/3', '{name}')")
        assert counts == {"passed": 1, "errors": 1}
        assert f"namespace name {name}" in text
    finally:
        name.unlink(missing_ok=True)
