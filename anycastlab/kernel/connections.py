"""The TCP connections of the namespace the calling thread is in, as /proc/net/tcp lists them."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

_ESTABLISHED = "01"
_MAPPED = bytes(10) + b"\xff\xff"
"""What precedes an IPv4 address where a socket of both families holds it (RFC 4291, 2.5.5.2)."""


def established(addresses: Iterable[IPv4Address | IPv6Address]) -> int:
    """How many established connections have one of these local addresses."""
    wanted = set()
    for address in addresses:
        wanted |= {address.packed, _MAPPED + address.packed}
    return sum(local in wanted for name in ("tcp", "tcp6") for local in _locals(name))


def _locals(name: str) -> Iterable[bytes]:
    try:
        lines = Path(f"/proc/thread-self/net/{name}").read_text().splitlines()[1:]
    except FileNotFoundError:  # a kernel without IPv6
        return
    for line in lines:
        _slot, local, _remote, state, *_ = line.split()
        if state == _ESTABLISHED:
            words = bytes.fromhex(local.partition(":")[0])
            count = len(words) // 4
            yield struct.pack(f"={count}I", *struct.unpack(f">{count}I", words))
