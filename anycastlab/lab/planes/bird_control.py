"""BIRD's control socket: a line is asked, numbered lines are answered, as `birdc` does it."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from anycastlab.errors import ProgramError

SOCKET = "bird.ctl"
_ANSWERS_WITHIN = 5.0
_FAILED = ("8", "9")
"""The first digit of codes that mean a run-time or a parse error."""


def ask(directory: Path, command: str) -> str:
    """Have the BIRD of *directory* carry out a command; return its answer.

    Raises ProgramError when it refuses, or does not answer.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_ANSWERS_WITHIN)
        try:
            _connect(connection, directory)
            _answer(connection)  # the greeting
            connection.sendall(command.encode() + b"\n")
            code, text = _answer(connection)
        except OSError as error:
            raise ProgramError(f"bird in {directory.name} does not answer: {error}") from error
    if code.startswith(_FAILED):
        raise ProgramError(f"bird in {directory.name} refused {command!r}: {text}")
    return text


def _connect(connection: socket.socket, directory: Path) -> None:
    # through a descriptor, for the directory's own path may be too long for a socket
    held = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        connection.connect(f"/proc/self/fd/{held}/{SOCKET}")
    finally:
        os.close(held)


def _answer(connection: socket.socket) -> tuple[str, str]:
    """Read to the line whose code ends in a space; return that code and all text."""
    buffer, lines = b"", []
    while True:
        while b"\n" in buffer:
            line, _, buffer = buffer.partition(b"\n")
            text = line.decode(errors="replace")
            lines.append(text[5:] if text[:4].isdigit() else text[1:])
            if text[:4].isdigit() and text[4:5] == " ":
                return text[:4], "\n".join(lines)
        data = connection.recv(1 << 16)
        if not data:
            raise ConnectionResetError("it closed the connection")
        buffer += data
