"""The same verbs as an ordinary user: the lab lives in a user namespace."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from anycastlab.kernel.process import Process
from anycastlab.lab import rootless
from tests.lab.conftest import DIAMOND, ROOT, unique

NOBODY = 65534
NEEDED = (
    "_yaml",
    "annotated_types",
    "click",
    "markdown_it",
    "mdurl",
    "pydantic",
    "pydantic_core",
    "pygments",
    "pyroute2",
    "rich",
    "scapy",
    "typing_extensions.py",
    "typing_inspection",
    "yaml",
)


class Nobody:
    """Runs the command line as `nobody`, from a copy that user can read."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.run_directory = home / "run"
        self._prefix = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]

    def command(self, *words: str) -> list[str]:
        return [*self._prefix, _interpreter(), "-m", "anycastlab", *words]

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(self.home / "lib"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "ANYCASTLAB_RUN": str(self.run_directory),
        }

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*words),
            env=self.environment,
            cwd="/",
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )


def _interpreter() -> str:
    """An interpreter of this version that `nobody` may run."""
    version = f"python3.{sys.version_info.minor}"
    for path in (shutil.which(version, path="/usr/bin"), os.path.realpath(sys.executable)):
        test = ["setpriv", f"--reuid={NOBODY}", "--clear-groups", str(path), "-c", ""]
        if path and subprocess.run(test, check=False, capture_output=True).returncode == 0:
            return path
    raise FileNotFoundError(f"no {version} that the user nobody can run: apt install {version}")


@pytest.fixture(scope="module")
def nobody() -> Iterator[Nobody]:
    with tempfile.TemporaryDirectory(prefix="anycastlab-test-") as folder:
        home = Path(folder)
        home.chmod(0o755)
        packages = Path(next(p for p in sys.path if p.endswith("site-packages")))
        for name in NEEDED:
            source = packages / name
            if source.is_dir():
                shutil.copytree(source, home / "lib" / name)
            elif source.exists():
                shutil.copy(source, home / "lib" / name)
        shutil.copytree(ROOT / "anycastlab", home / "lib" / "anycastlab")
        run = home / "run"
        run.mkdir()
        os.chown(run, NOBODY, NOBODY)
        (home / "lab.yaml").write_text(DIAMOND.format(name=unique("nobody")))
        yield Nobody(home)


def test_the_main_path_works_without_privileges(nobody: Nobody) -> None:
    name = unique("nobody")
    up = nobody("up", str(nobody.home / "lab.yaml"))
    assert (up.returncode, up.stderr) == (0, "")
    try:
        assert not list(Path("/run/netns").glob(f"{name}.*")), "the host sees nothing of it"
        found = json.loads(nobody("catchment", name, "--json").stdout)
        assert len(found) == 6
        assert all(one["ok"] and one["received_by"] == ["s1"] for one in found)
        assert nobody("kill", name, "s1").returncode == 0
        after = json.loads(nobody("probe", name, "--from", "c1", "--to", "A", "--json").stdout)
        assert all(one["ok"] and one["received_by"] == ["s2"] for one in after)
        inside = nobody("exec", name, "c1", "--", "ip", "netns", "exec", f"{name}.r1", "ip", "link")
        assert "to-r2" in inside.stdout
    finally:
        down = nobody("down", name, "--wait")
    assert (down.returncode, down.stderr) == (0, "")
    assert not list(nobody.run_directory.iterdir())


def test_one_kill_ends_all_of_it(nobody: Nobody) -> None:
    name = unique("nobody")
    assert nobody("up", str(nobody.home / "lab.yaml")).returncode == 0
    try:
        status = json.loads(nobody("status", name, "--json").stdout)
        sleeper = subprocess.Popen(
            nobody.command("exec", name, "c1", "--", "sleep", "1000"),
            env=nobody.environment,
            cwd="/",
        )
        assert Process.of(status["supervisor"]).kill()
        assert sleeper.wait(timeout=10) != 0
        assert json.loads(nobody("list", "--json").stdout)[0]["state"] == "dead"
    finally:
        assert nobody("down", name).returncode == 0


def test_a_host_that_forbids_user_namespaces_is_status_3_and_one_message(nobody: Nobody) -> None:
    # the kernel allows 32 levels of user namespaces: in the last one it forbids any further one
    descend = (
        "import os, sys; from pathlib import Path\n"
        "from anycastlab.kernel.syscalls import CLONE_NEWUSER, set_dumpable, unshare\n"
        "try:\n"
        "    while True:\n"
        "        unshare(CLONE_NEWUSER); set_dumpable()\n"
        f"        Path('/proc/self/uid_map').write_text('{NOBODY} {NOBODY} 1')\n"
        "except OSError: pass\n"
        "os.execv(sys.executable, [sys.executable, '-m', 'anycastlab', *sys.argv[1:]])\n"
    )
    words = nobody.command("up", str(nobody.home / "lab.yaml"))
    at = words.index("-m")
    done = subprocess.run(
        [*words[:at], "-c", descend, *words[at + 2 :]],
        env=nobody.environment,
        cwd="/",
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 3, done.stderr
    assert "no user namespace can be made" in done.stderr
    assert "run as root (sudo)" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(nobody.run_directory.iterdir())


def test_the_setting_that_forbids_is_named_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting = tmp_path / "max_user_namespaces"
    monkeypatch.setattr(rootless, "_SETTINGS", {str(setting): ("0", "sysctl -w it=1")})
    for value, named in (("0", True), ("1000", False)):
        setting.write_text(f"{value}\n")
        message = str(rootless.forbidden(PermissionError(1, "Operation not permitted")))
        assert ("sudo sysctl -w it=1" in message) is named
