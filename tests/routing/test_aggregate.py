"""Rows of next hops covered by pieces of a block."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from anycastlab.routing.aggregate import Piece, cover
from anycastlab.routing.forwarding import forwarding
from anycastlab.topology.network import Network

from .networks import build, compact


def covered(pieces: list[Piece], place: int) -> int:
    """Return what the smallest piece around a place says; 0 when there is none."""
    around = [p for p in pieces if p.start <= place < p.start + p.size]
    return min(around, key=lambda piece: piece.size).hops if around else 0


@given(
    st.integers(0, 6).flatmap(lambda n: st.lists(st.integers(0, 3), min_size=2**n, max_size=2**n))
)
def test_the_smallest_piece_around_a_place_has_its_next_hops(row: list[int]) -> None:
    pieces = list(cover(row))
    assert [covered(pieces, place) for place in range(len(row))] == row
    assert all(piece.start % piece.size == 0 for piece in pieces)
    assert len({piece[:2] for piece in pieces}) == len(pieces)


def test_one_piece_covers_equal_next_hops_and_two_one_exception() -> None:
    assert list(cover([5] * 8)) == [Piece(0, 8, 5)]
    assert list(cover([5] * 6 + [3] * 2)) == [Piece(0, 8, 5), Piece(6, 2, 3)]


def test_no_piece_lies_over_a_hole() -> None:
    assert list(cover([5, 5, 0, 5, 5, 5, 5, 5])) == [Piece(0, 2, 5), Piece(3, 1, 5), Piece(4, 4, 5)]


def largest_table(network: Network) -> int:
    """Return how many IPv4 routes the largest compact table has."""
    tables = forwarding(compact(network)).values()
    return max(sum(len(prefix.address) == 4 for prefix in table) for table in tables)


def test_a_ring_of_256_routers_needs_few_routes_a_router() -> None:
    ring = build([(f"r{i}", f"r{(i + 1) % 256}") for i in range(256)])
    assert largest_table(ring) <= 18


def test_a_tree_of_255_routers_in_depth_first_order_needs_few_routes_a_router() -> None:
    def subtree(name: str, depth: int) -> list[tuple[str, str]]:
        below = [f"{name}{k}" for k in "01" if depth]
        return [link for child in below for link in ((name, child), *subtree(child, depth - 1))]

    links = subtree("r", 7)
    assert largest_table(build(links)) <= 18
    shuffled = sorted({name for link in links for name in link}, key=lambda name: name[::-1])
    assert largest_table(build(links, names=shuffled)) > 60
