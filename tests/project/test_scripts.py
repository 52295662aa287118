"""The scripts, each run in a small checkout of its own whose programs are stand-ins.

``scripts/demo`` has a test with the real lab, too.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .sources import ROOT, SCRIPTS, first_line, name, shell_scripts


class Checkout:
    """A copy of some scripts, and programs that record how they were called."""

    def __init__(self, place: Path) -> None:
        self.place, self.bin, self.log = place, place / "bin", place / "calls"
        self.bin.mkdir()
        self.log.touch()
        for directory in ("scripts", ".ci", ".venv/bin"):
            (place / directory).mkdir(parents=True)

    def copy(self, script: str) -> None:
        shutil.copy2(ROOT / script, self.place / script)

    def program(self, path: str, body: str = "exit 0") -> None:
        file = self.place / path
        file.write_text(f'#!/bin/sh\necho "{file.name} $*" >>{self.log}\n{body}\n')
        file.chmod(0o755)

    def run(self, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", str(self.place / script), *arguments],
            env={"PATH": f"{self.bin}:/usr/sbin:/usr/bin:/sbin:/bin"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def calls(self) -> list[str]:
        return self.log.read_text().splitlines()

    def own_pip(self) -> None:
        """Leave a pip that belongs to this very place."""
        (self.place / ".venv/bin/pip").write_text(f"#!{self.place}/.venv/bin/python3\n")

    def stamp(self, extras: str) -> None:
        """Leave the mark of a setup that went through."""
        text = f"{self.place}\n{(self.place / 'pyproject.toml').read_text()}"
        digest = hashlib.sha256(text.encode()).hexdigest()
        (self.place / ".venv/setup.stamp").write_text(f"{digest}{extras}\n")


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path.resolve())


@pytest.fixture
def ready(checkout: Checkout) -> Iterator[Checkout]:
    """A checkout in which scripts/setup has nothing to do."""
    checkout.copy("scripts/setup")
    (checkout.place / "pyproject.toml").write_text("[project]\n")
    checkout.program("bin/dpkg-query", "echo installed")
    checkout.program("bin/apt-get", "exit 99")
    checkout.program(".venv/bin/python")
    checkout.stamp("[dev]")
    yield checkout
    assert not [call for call in checkout.calls() if call.startswith("apt-get")]


def test_every_script_is_executable_and_says_what_runs_it():
    assert {"setup", "demo", "test", "lint", "run"} <= {path.name for path in SCRIPTS}
    for path in SCRIPTS:
        if path.suffix != ".py":
            assert os.access(path, os.X_OK), name(path)
            assert first_line(path).startswith(("#!/usr/bin/env ", "#!/bin/sh")), name(path)


def test_shell_scripts_are_clean():
    shellcheck = shutil.which("shellcheck")
    if shellcheck is None:
        pytest.skip("shellcheck is not installed (scripts/setup test installs it)")
    done = subprocess.run(
        [shellcheck, *map(str, shell_scripts())], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_shell_scripts_stop_at_the_first_error():
    for path in shell_scripts():
        assert "\nset -eu" in path.read_text(), name(path)


@pytest.mark.parametrize("scope", ["demo", "lint", "test", "bench", "virtual", "browser", "all"])
def test_setup_is_silent_when_there_is_nothing_to_do(ready, scope):
    done = ready.run("scripts/setup", scope)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_setup_of_the_demo_is_not_enough_for_the_suite(ready):
    ready.stamp("")
    ready.own_pip()
    assert ready.run("scripts/setup", "demo").stdout == ""
    assert ready.run("scripts/setup", "test").stdout == "setup: installing Python packages\n"
    assert ready.calls()[-1].endswith("-e .[dev]")
    assert ready.run("scripts/setup", "demo").stdout == ""


def test_setup_installs_anew_when_the_project_changes(ready):
    (ready.place / "pyproject.toml").write_text("[project]\nname = 'new'\n")
    ready.own_pip()
    done = ready.run("scripts/setup", "test")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "setup: installing Python packages\n"
    assert [call for call in ready.calls() if "pip install" in call and ".[dev]" in call]
    assert ready.run("scripts/setup", "test").stdout == ""


def test_setup_makes_a_moved_environment_again(ready):
    (ready.place / "pyproject.toml").write_text("[project]\nname = 'new'\n")
    (ready.place / ".venv/bin/pip").write_text("#!/elsewhere/.venv/bin/python\n")
    ready.program("bin/python3", 'case "$*" in *"-m venv"*) exit 1;; esac')
    done = ready.run("scripts/setup", "test")
    assert done.returncode == 1
    assert "cannot make" in done.stderr
    assert any("python3 -m venv .venv" in call for call in ready.calls())


def test_setup_says_what_to_do_about_an_old_python(ready):
    (ready.place / ".venv/setup.stamp").unlink()
    old = 'case "$1" in -V) echo Python 3.10.4;; *) exit 1;; esac'
    for version in ("", ".11", ".12", ".13", ".14"):
        ready.program(f"bin/python3{version}", old)
    done = ready.run("scripts/setup", "test")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "3.11 or newer is needed, this is Python 3.10.4" in line
    assert "python3.11-venv" in line


def test_setup_installs_what_is_missing_or_says_why_not_in_one_line(checkout):
    checkout.copy("scripts/setup")
    (checkout.place / "pyproject.toml").write_text("[project]\n")
    checkout.program(".venv/bin/python")
    checkout.stamp("[dev]")
    checkout.program("bin/dpkg-query", 'case "$*" in *tcpdump*) exit 1;; esac; echo installed')
    checkout.program("bin/apt-get", "echo 'E: no network' >&2; exit 100")
    checkout.program("bin/id", "echo 1000")  # nobody in particular, whose sudo does as it is told:
    checkout.program("bin/sudo", 'case "$1" in env) exec "$@";; esac')  # it touches no system file
    done = checkout.run("scripts/setup", "test")
    assert (done.returncode, done.stderr) == (1, "setup: apt-get: E: no network\n")
    assert done.stdout == "setup: installing tcpdump\n"
    checkout.program("bin/apt-get")
    assert checkout.run("scripts/setup", "test").returncode == 0
    assert any("install" in call and "-y tcpdump" in call for call in checkout.calls())


def test_setup_refuses_a_purpose_it_does_not_know(ready):
    done = ready.run("scripts/setup", "everything")
    assert done.returncode == 1
    assert done.stderr.startswith("setup: what is everything?")


def test_the_suite_asks_for_root(checkout):
    checkout.copy("scripts/test")
    checkout.program("bin/id", "echo 1000")
    done = checkout.run("scripts/test")
    assert (done.returncode, done.stderr) == (
        3,
        "test: real namespaces need root: sudo scripts/test\n",
    )


SUITE = """\
case "$*" in
*--last-failed*) exit %d ;;
esac
for word; do
    case $word in --junit-xml=*) echo '<error>%s</error>' >"${word#*=}" ;; esac
done
exit %d
"""


@pytest.mark.parametrize(
    ("first", "error", "alone", "status"),
    [
        (5, "", 0, 5),
        (0, "", 9, 0),
        (1, "a deadline", 0, 0),
        (1, "a deadline", 1, 1),
        (1, "in the_host_is_unchanged", 0, 1),
        (1, "the test left behind:", 0, 1),
    ],
    ids=["no test", "passed", "passed alone", "failed alone too", "the host was changed", "a leak"],
)
def test_the_suite_is_run_with_the_arguments_and_failures_are_tried_alone(
    checkout, first, error, alone, status
):
    checkout.copy("scripts/test")
    checkout.program("bin/id", "echo 0")
    checkout.program("scripts/setup")
    checkout.program(".venv/bin/python", SUITE % (alone, error, first))
    checkout.program("bin/nproc", "echo 3")
    assert checkout.run("scripts/test", "-k", "some").returncode == status
    calls = [call for call in checkout.calls() if call.startswith("python -m pytest ")]
    assert "setup test" in checkout.calls()
    assert all(call.endswith(" -k some") for call in calls)
    assert " --numprocesses 6 --dist worksteal " in calls[0]
    assert len(calls) == (2 if error == "a deadline" else 1)
    assert all(" --last-failed " in call and " -n 0 " in call for call in calls[1:])


@pytest.mark.parametrize("failing", ["ruff", "mypy"])
def test_lint_fails_with_each_of_its_tools(checkout, failing):
    checkout.copy("scripts/lint")
    for program in ("scripts/setup", ".venv/bin/ruff", ".venv/bin/mypy"):
        checkout.program(program)
    assert checkout.run("scripts/lint").returncode == 0
    checkout.program(f".venv/bin/{failing}", "exit 7")
    assert checkout.run("scripts/lint").returncode == 7


@pytest.mark.parametrize("failing", [None, "lint", "test"])
def test_ci_fails_with_each_of_its_parts(checkout, failing):
    checkout.copy(".ci/run")
    checkout.program("bin/sudo", 'exec "$@"')
    for part in ("lint", "test"):
        checkout.program(f"scripts/{part}", "exit 6" if part == failing else "echo closing line")
    done = checkout.run(".ci/run")
    assert done.returncode == (0 if failing is None else 6)
    if failing is None:
        assert done.stdout.splitlines()[-1] == "closing line"


@pytest.mark.parametrize("verb", ["catchment", "failover"])
def test_the_demo_takes_its_lab_down_when_a_step_fails(checkout, verb):
    done, calls = run_demo(checkout, verb)
    assert done.returncode == 9
    assert re.fullmatch(r"anycastlab down demo-\d+", calls[-1])


def test_the_demo_leaves_a_lab_alone_that_it_did_not_bring_up(checkout):
    done, calls = run_demo(checkout, "up")
    assert done.returncode == 9
    assert calls[-1].startswith("anycastlab up ")


def run_demo(checkout, failing) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    checkout.copy("scripts/demo")
    checkout.program("scripts/setup")
    checkout.program(".venv/bin/anycastlab", f'[ "$1" != {failing} ] || exit 9')
    return checkout.run("scripts/demo"), checkout.calls()


@pytest.mark.realtime
@pytest.mark.lab
def test_the_demo_works(checkout):
    checkout.copy("scripts/demo")
    checkout.program("scripts/setup")
    real = f'exec {shlex.quote(sys.executable)} -m anycastlab "$@"'
    checkout.program(".venv/bin/anycastlab", real)
    shutil.copytree(ROOT / "topologies", checkout.place / "topologies")
    done = checkout.run("scripts/demo")
    assert done.returncode == 0, done.stdout + done.stderr
    for number in range(1, 6):
        assert f"\n{number}. " in done.stdout
    assert re.fullmatch(r"anycastlab down demo-\d+", checkout.calls()[-1])
