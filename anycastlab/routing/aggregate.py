"""Loopbacks numbered in node order, covered by few routes: one for most, blocks for the rest."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import compress, count, groupby, islice, pairwise
from typing import NamedTuple

from anycastlab.routing.graph import Wiring
from anycastlab.routing.table import Prefix


class Piece(NamedTuple):
    """An aligned part of a block (the size is a power of two) and the next hops of its route."""

    start: int
    size: int
    hops: int


@dataclass(frozen=True, slots=True)
class Block:
    """The aligned block of addresses that holds the loopbacks, each at one place in both families.

    ``owners[place]`` is the node with that address, or the one before where no node has it;
    ``places[number]`` are the places a node owns. Nodes with other addresses are in neither.
    """

    ipv4: int
    ipv6: int
    owners: Sequence[int]
    places: dict[int, range]
    _prefixes: dict[tuple[int, int], tuple[Prefix, Prefix]] = field(default_factory=dict)

    @classmethod
    def of(cls, wiring: Wiring) -> Block | None:
        """Return the block that holds most loopbacks; None where no small block does."""
        nodes = list(wiring.network.nodes.values())
        first4 = _usual_start([int(node.ipv4) for node in nodes])
        first6 = _usual_start([int(node.ipv6) for node in nodes])
        size = 1
        while first4 // size != (first4 + len(nodes) - 1) // size:
            size *= 2
        ipv4, ipv6 = first4 - first4 % size, first6 - first6 % size
        held = {
            place: number
            for number, node in enumerate(nodes)
            if (place := int(node.ipv4) - ipv4) == int(node.ipv6) - ipv6 and 0 <= place < size
        }
        if not held or size > 4 * len(nodes):
            return None
        owners, owner = [], held[min(held)]
        for place in range(size):
            owner = held.get(place, owner)
            owners.append(owner)
        return cls(ipv4, ipv6, owners, _ranges(owners))

    def prefixes(self, piece: Piece) -> tuple[Prefix, Prefix]:
        """Return the IPv4 and the IPv6 prefix of a piece."""
        key = piece.start, piece.size
        if key not in self._prefixes:
            bits = piece.size.bit_length() - 1
            self._prefixes[key] = (
                Prefix((self.ipv4 + piece.start).to_bytes(4, "big"), 32 - bits),
                Prefix((self.ipv6 + piece.start).to_bytes(16, "big"), 128 - bits),
            )
        return self._prefixes[key]

    def pieces(self, number: int, row: list[int]) -> Iterator[Piece]:
        """Cover a node's next hops, given for every place; its own places get any next hops."""
        if own := self.places.get(number):
            beside = own.start - 1 if own.start else own.stop % len(row)
            row[own.start : own.stop] = [row[beside]] * len(own)
        return cover(row)


def _usual_start(addresses: list[int]) -> int:
    """Return where the addresses start if they are numbered in order, by majority."""
    starts = Counter(address - place for place, address in enumerate(addresses))
    return starts.most_common(1)[0][0]


def _ranges(owners: Sequence[int]) -> dict[int, range]:
    """Return the range of places of every owner."""
    runs = groupby(range(len(owners)), key=owners.__getitem__)
    places = {owner: list(run) for owner, run in runs}
    return {owner: range(run[0], run[-1] + 1) for owner, run in places.items()}


def cover(row: Sequence[int]) -> Iterator[Piece]:
    """Cover a row of next hops (as many as a power of two) by pieces, the longest prefix winning.

    No piece holds a place without next hops (0), so that such a place has no route.
    """
    for start, size in _without_holes(row):
        part = row[start : start + size]
        common = max(set(part), key=part.count)
        yield Piece(start, size, common)
        for low, high in _runs(part):
            if part[low] != common:
                for place, extent in _aligned(low, high):
                    yield Piece(start + place, extent, part[low])


def _without_holes(row: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the largest aligned pieces in which every place has next hops."""
    if 0 not in row:
        yield 0, len(row)
        return
    for hole, reached in groupby(range(len(row)), key=lambda place: not row[place]):
        if not hole:
            places = list(reached)
            yield from _aligned(places[0], places[-1] + 1)


def _runs(row: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the (start, end) of every longest stretch of equal values."""
    steps = compress(count(1), map(operator.ne, row, islice(row, 1, None)))
    return pairwise((0, *steps, len(row)))


def _aligned(low: int, high: int) -> Iterator[tuple[int, int]]:
    """Split a range into the fewest prefixes: sizes are powers of two that divide the start."""
    while low < high:
        size = 1 << (high - low).bit_length() - 1
        while low % size:
            size //= 2
        yield low, size
        low += size
