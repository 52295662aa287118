"""Forwarding tables in the form the kernel floor installs: packed addresses, interface indexes."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias


class Prefix(NamedTuple):
    """A packed network address (4 or 16 bytes tell the family) and its length in bits."""

    address: bytes
    length: int


class Hop(NamedTuple):
    """A next hop: the interface's index and the packed address of the gateway on it."""

    interface: int
    gateway: bytes


Hops: TypeAlias = tuple[Hop, ...]
"""The next hops of one route: more than one where costs tie."""

DISCARD: Hops = (Hop(0, b""),)
"""Not towards anybody: the router tells the sender that it has no route."""

Table: TypeAlias = dict[Prefix, Hops]
"""One node's forwarding table, without its connected and local routes."""
