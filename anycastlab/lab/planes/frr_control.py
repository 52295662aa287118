"""The sockets by which `vtysh` gives FRR's daemons commands.

A command ends in a zero byte; the answer is text, three zero bytes and a status byte (vtysh.c).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from pathlib import Path

from anycastlab.errors import ProgramError

_ANSWERS_WITHIN = 5.0
_END = b"\0\0\0"


def configure(directory: Path, daemon: str, lines: Iterable[str]) -> None:
    """Have a daemon, whose socket is in *directory*, take configuration lines.

    Raises ProgramError when it refuses one or does not answer.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_ANSWERS_WITHIN)
        try:
            _connect(connection, directory, f"{daemon}.vty")
            for line in ("enable", "configure terminal", *lines, "end"):
                status, text = _carry_out(connection, line)
                if status:
                    raise ProgramError(f"{daemon} refused {line!r}: {text.strip() or status}")
        except OSError as error:
            raise ProgramError(f"{daemon} in {directory} does not answer: {error}") from error


def _connect(connection: socket.socket, directory: Path, name: str) -> None:
    # through a descriptor, for the directory's own path may be too long for a socket
    held = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        connection.connect(f"/proc/self/fd/{held}/{name}")
    finally:
        os.close(held)


def _carry_out(connection: socket.socket, line: str) -> tuple[int, str]:
    connection.sendall(line.encode() + b"\0")
    answer = b""
    while len(answer) < 4 or answer[-4:-1] != _END:
        data = connection.recv(1 << 16)
        if not data:
            raise ConnectionResetError("it closed the connection")
        answer += data
    return answer[-1], answer[:-4].decode(errors="replace")
