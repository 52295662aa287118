"""The supervisor's end of its socket: reads requests, carries out operations, answers."""

from __future__ import annotations

import json
import selectors
import socket
import traceback
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from anycastlab.errors import AnycastlabError, UsageError
from anycastlab.lab.channel import encode_error, pack, send_descriptors

Operations: TypeAlias = Mapping[str, Callable[..., Any]]
"""What can be asked for, by name; the results are JSON."""
Descriptors: TypeAlias = Callable[[list[str]], dict[str, int]]
"""The namespace descriptors of those nodes that are alive."""

_LINE_LIMIT = 1 << 20
_PATIENCE = 5.0
"""Seconds a client may take to read an answer: it must not stop the lab."""


class Server:
    """Serves any number of clients in the supervisor's loop."""

    def __init__(
        self, selector: selectors.BaseSelector, operations: Operations, descriptors: Descriptors
    ) -> None:
        self._selector = selector
        self._operations = operations
        self._descriptors = descriptors

    def listen(self, listener: socket.socket) -> None:
        """Accept clients on *listener* from now on."""
        listener.setblocking(False)
        self._selector.register(listener, selectors.EVENT_READ, self._accept)

    def _accept(self, listener: socket.socket, _events: int) -> None:
        connection, _ = listener.accept()
        connection.settimeout(_PATIENCE)
        buffer = bytearray()

        def readable(_socket: socket.socket, _events: int) -> None:
            if not self._served(connection, buffer):
                self._selector.unregister(connection)
                connection.close()

        self._selector.register(connection, selectors.EVENT_READ, readable)

    def _served(self, connection: socket.socket, buffer: bytearray) -> bool:
        try:
            data = connection.recv(1 << 16)
            buffer += data
            while (end := buffer.find(b"\n")) >= 0:
                line = bytes(buffer[:end])
                del buffer[: end + 1]
                self._answer(connection, line)
        except OSError:  # the client is gone, or does not read
            return False
        return bool(data) and len(buffer) < _LINE_LIMIT

    def _answer(self, connection: socket.socket, line: bytes) -> None:
        try:
            request = json.loads(line)
            operation = request.pop("do")
            if operation == "namespaces":
                held = self._descriptors(request["nodes"])
                send_descriptors(connection, {"ok": list(held)}, list(held.values()))
                return
            answer = {"ok": self._carry_out(operation, request)}
        except AnycastlabError as error:
            answer = encode_error(error)
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            # a request nobody should send, or a mistake of ours: it must not end the lab
            traceback.print_exc()
            answer = encode_error(AnycastlabError(f"the supervisor failed: {error!r}"))
        connection.sendall(pack(answer))

    def _carry_out(self, operation: str, arguments: dict[str, Any]) -> Any:
        if operation not in self._operations:
            raise UsageError(f"the supervisor knows no operation {operation!r}")
        return self._operations[operation](**arguments)
