"""tshark as an independent witness of what captures hold."""

from __future__ import annotations

import subprocess
from pathlib import Path


def found_by_tshark(file: Path, display: str, *fields: str) -> list[list[str]]:
    """What tshark, an independent witness, finds in a capture: the fields of each packet."""
    shown = [word for field in fields for word in ("-e", field)]
    checked = [
        word for each in ("ip", "tcp", "udp") for word in ("-o", f"{each}.check_checksum:TRUE")
    ]
    command = ["tshark", "-n", "-r", str(file), *checked, "-Y", display, "-T", "fields", *shown]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [line.split("\t") for line in done.stdout.splitlines()]
