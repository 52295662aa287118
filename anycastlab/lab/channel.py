"""The supervisor's socket: one JSON object a line each way, descriptors beside them.

request   {"do": OPERATION, ...arguments}
answer    {"ok": RESULT}  or  {"error": CLASS, "arguments": [...]}
"""

from __future__ import annotations

import array
import json
import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

from anycastlab import errors
from anycastlab.errors import AnycastlabError

_AT_ONCE = 250
"""Descriptors a message: the kernel takes 253."""


def encode_error(error: AnycastlabError) -> dict[str, Any]:
    """An error as it travels: its class and what it was made of."""
    if isinstance(error, errors.HostError):
        return {"error": type(error).__name__, "arguments": [error.what, error.remedy]}
    return {"error": type(error).__name__, "arguments": [str(error)]}


def decode_error(answer: dict[str, Any]) -> AnycastlabError:
    """The error an answer carries."""
    kind = getattr(errors, answer["error"], AnycastlabError)
    made = kind(*answer["arguments"])
    assert isinstance(made, AnycastlabError)
    return made


def pack(message: dict[str, Any]) -> bytes:
    """One line."""
    return json.dumps(message).encode() + b"\n"


def send_descriptors(connection: socket.socket, answer: dict[str, Any], sent: list[int]) -> None:
    """Send descriptors in messages of one byte each, then the answer's line."""
    for at in range(0, len(sent), _AT_ONCE):
        socket.send_fds(connection, [b"+"], sent[at : at + _AT_ONCE])
    connection.sendall(pack(answer))


class Channel:
    """A client's end of the socket."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._connect()

    def _connect(self) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(self._path)
        self._buffer = b""

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def call(self, operation: str, **arguments: Any) -> Any:
        """Ask, wait for the answer, and return its result. Raises what the supervisor raised."""
        return self._ask({"do": operation, **arguments}, [])

    def descriptors(self, nodes: list[str]) -> dict[str, int]:
        """Fetch namespace descriptors of nodes; the caller owns them."""
        received: list[int] = []
        names = self._ask({"do": "namespaces", "nodes": nodes}, received)
        return dict(zip(names, received, strict=True))

    def _ask(self, request: dict[str, Any], received: list[int]) -> Any:
        try:
            self._socket.sendall(pack(request))
            return self._answer(received)
        except AnycastlabError:
            raise
        except OSError as error:
            raise errors.LostLabError from error
        except BaseException:  # Ctrl-C: the answer will come yet, and must not be the next one's
            self._abandon(received)
            raise

    def _abandon(self, received: list[int]) -> None:
        """Begin anew: what has been asked will not be read."""
        self._socket.close()
        while received:
            os.close(received.pop())
        with suppress(OSError):  # the lab is gone: the next request will say so
            self._connect()

    def _answer(self, received: list[int]) -> Any:
        while b"\n" not in self._buffer:
            data, ancillary, _flags, _address = self._socket.recvmsg(
                1 << 16, socket.CMSG_SPACE(_AT_ONCE * 4), socket.MSG_CMSG_CLOEXEC
            )
            for level, kind, payload in ancillary:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    received.extend(array.array("i", payload))
            if not data:
                raise errors.LostLabError
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        answer = json.loads(line.lstrip(b"+"))
        if "error" in answer:
            raise decode_error(answer)
        return answer["ok"]
