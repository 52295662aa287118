"""Classic BPF socket filters, assembled from readable lines with named jumps.

The machine is that of McCanne and Jacobson (1993) as Linux has it: bpf(4) and the kernel's
Documentation/networking/filter.rst, which also lists the ancillary loads used here.
"""

from __future__ import annotations

import ctypes
import socket
import struct
from dataclasses import dataclass

_SO_ATTACH_FILTER = 26
_LOAD_WORD, _LOAD_HALF, _LOAD_BYTE = 0x20, 0x28, 0x30
_JUMP_EQUAL, _JUMP_ANY_BIT = 0x15, 0x45
_MASK, _RETURN = 0x54, 0x06
_ANCILLARY = 0x1_0000_0000 - 0x1000

PACKET_TYPE = _ANCILLARY + 4  # of load_word: PACKET_HOST, PACKET_OUTGOING, …
INTERFACE = _ANCILLARY + 8  # of load_word: the interface's index


@dataclass(frozen=True, slots=True)
class Line:
    """One instruction, or a place to jump to (a name without a code). No jump: fall through."""

    code: int = 0
    operand: int = 0
    then: str = ""
    otherwise: str = ""
    name: str = ""


def load_byte(offset: int) -> Line:
    """Load the byte at *offset*; a packet too short for it is dropped (so are the next two)."""
    return Line(_LOAD_BYTE, offset)


def load_half(offset: int) -> Line:
    """Load 16 bits."""
    return Line(_LOAD_HALF, offset)


def load_word(offset: int) -> Line:
    """Load 32 bits."""
    return Line(_LOAD_WORD, offset)


def mask(bits: int) -> Line:
    """Keep only *bits* of what was loaded."""
    return Line(_MASK, bits)


def equal(value: int, then: str = "", otherwise: str = "") -> Line:
    """Jump on what was loaded being *value*, or not."""
    return Line(_JUMP_EQUAL, value, then, otherwise)


def any_bit(bits: int, then: str = "", otherwise: str = "") -> Line:
    """Jump on one of *bits* being set in what was loaded, or none."""
    return Line(_JUMP_ANY_BIT, bits, then, otherwise)


def here(name: str) -> Line:
    """Name the next instruction."""
    return Line(name=name)


def keep(length: int) -> Line:
    """End: keep *length* bytes of the packet; 0 drops it."""
    return Line(_RETURN, length)


class Program:
    """Instructions ready for the kernel: an array of ``struct sock_filter``."""

    def __init__(self, code: bytes) -> None:
        self._code = ctypes.create_string_buffer(code, len(code))
        self._description = struct.pack("@HP", len(code) // 8, ctypes.addressof(self._code))

    def attach(self, sock: socket.socket) -> None:
        """Let *sock* receive only what the program keeps."""
        sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, self._description)


def assemble(*lines: Line) -> Program:
    """Resolve the jumps, which only go forward."""
    places: dict[str, int] = {}
    code: list[Line] = []
    for line in lines:
        if line.name:
            places[line.name] = len(code)
        else:
            code.append(line)

    def distance(at: int, name: str) -> int:
        return places[name] - at - 1 if name else 0

    return Program(
        b"".join(
            struct.pack(
                "=HBBI",
                line.code,
                distance(at, line.then),
                distance(at, line.otherwise),
                line.operand,
            )
            for at, line in enumerate(code)
        )
    )
