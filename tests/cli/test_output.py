"""What becomes of a verb whose output cannot be written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


def print_to(file: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "anycastlab", *words]
    with Path(file).open("w") as output:
        return subprocess.run(
            command, stdout=output, stderr=subprocess.PIPE, text=True, check=False
        )


@pytest.mark.parametrize("words", [["schema"], ["list", "--json"], ["--version"]])
def test_a_full_disk_is_one_message_and_status_3(words: list[str]) -> None:
    done = print_to("/dev/full", *words)
    message = "anycastlab: cannot write the output: No space left on device\n"
    assert (done.returncode, done.stderr) == (3, message)


def test_output_that_can_be_written_is_status_0() -> None:
    done = print_to("/dev/null", "schema")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_reader_that_goes_early_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m anycastlab schema | head -n1; exit ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "{\n", "")
