"""Where each value of a topology file was written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

Path = tuple[str | int, ...]
"""The way to a value from the top of the file: keys of mappings and indexes of lists."""


class Mark(NamedTuple):
    """A line and a column, both counted from 1."""

    line: int
    column: int


@dataclass(slots=True)
class Place:
    """One value as written: where it and its key begin, its text or the places inside it.

    ``size`` counts the values in it, itself included, with every alias written out.
    """

    mark: Mark
    text: str | None = None
    children: dict[str | int, Place] | None = None
    key: Mark | None = None
    size: int = 1


class Positions:
    """The places of all values of one file."""

    def __init__(self, root: Place) -> None:
        self._root = root

    def place(self, path: Path) -> Place:
        """Return the place of the value at *path*, or of the nearest value around it.

        Parts of the path that the file does not have are passed over: the long form of a short
        form has more parts than was written, as ``("links", 0, "endpoints", 1)`` for ``[a, b]``.
        """
        place = self._root
        for part in path:
            if place.children is not None and part in place.children:
                place = place.children[part]
        return place

    def mark(self, path: Path, *, at_key: bool = False) -> Mark:
        """Return where the value at *path* begins, or its key if asked for and there is one."""
        place = self.place(path)
        return (at_key and place.key) or place.mark
