"""What a punctual process asks of the kernel holds as long as the process."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

LATENCY = Path("/dev/cpu_dma_latency")


def allowed() -> int:
    """How many microseconds a processor may take to wake, as far as anybody has asked."""
    return int(struct.unpack("i", LATENCY.read_bytes()[:4])[0])


@pytest.mark.skipif(not os.access(LATENCY, os.R_OK | os.W_OK), reason=f"no {LATENCY} here")
@pytest.mark.parametrize("call", ["keep_processors_awake()", "be_punctual()"])
def test_processors_are_kept_awake_as_long_as_the_process_lives(call: str) -> None:
    code = (
        "import sys\nfrom anycastlab.kernel.pacing import *\n"
        f"{call}\nprint(flush=True)\nsys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        held = [one.readlink() for one in Path(f"/proc/{process.pid}/fd").iterdir()]
        least = allowed()
        process.communicate()
    assert process.returncode == 0
    assert (LATENCY in held) == (call == "keep_processors_awake()")
    assert LATENCY not in held or least == 0
