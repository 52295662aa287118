"""What the identity service and those who ask it agree on.

A UDP request is ``MAGIC`` and a 32-bit id; the answer is the request and the instance's name after
it. Over TCP the service says its name, a newline, and then echoes what it reads.
"""

from __future__ import annotations

import struct

IDENTITY_PORT = 4786  # after RFC 4786, Operation of Anycast Services
MAGIC = b"anyclab1"

_REQUEST = struct.Struct("!8sI")
REQUEST_SIZE, NUMBER_AT = _REQUEST.size, len(MAGIC)


def request(number: int) -> bytes:
    """Ask who is there; *number* is any 32-bit id."""
    return _REQUEST.pack(MAGIC, number)


def number_of(message: bytes) -> int | None:
    """The id in a request or an answer, or None when it is neither."""
    if len(message) < REQUEST_SIZE or not message.startswith(MAGIC):
        return None
    return int(_REQUEST.unpack_from(message)[1])


def answer(message: bytes, instance: str) -> bytes | None:
    """The answer to a request, or None when it is none."""
    if number_of(message) is None:
        return None
    return message[:REQUEST_SIZE] + instance.encode()


def instance_of(message: bytes) -> str:
    """The instance's name in an answer."""
    return message[REQUEST_SIZE:].decode(errors="replace")
