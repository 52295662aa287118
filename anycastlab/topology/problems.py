"""Collect the mistakes of one file, and end with all of them at once."""

from __future__ import annotations

from typing import NoReturn

from anycastlab.errors import Problem, TopologyError
from anycastlab.topology.positions import Mark

# Nobody reads on after so many; it also bounds the time a broken file of megabytes can take.
MOST_PROBLEMS = 200
LONGEST_MESSAGE = 500  # characters


class Problems:
    """The mistakes found in a file so far."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._found: dict[Problem, None] = {}

    def add(self, mark: Mark, message: str) -> None:
        """Note one mistake; the same one twice counts once."""
        if len(self._found) == MOST_PROBLEMS:
            self.fail(mark, f"more mistakes follow: only {MOST_PROBLEMS} are shown")
        self._found[self._problem(mark, message)] = None

    def fail(self, mark: Mark, message: str) -> NoReturn:
        """Raise TopologyError with this mistake, after which there is no going on, and the rest."""
        raise TopologyError([*self._found, self._problem(mark, message)])

    def marks(self) -> set[Mark]:
        """Return the places that have a mistake."""
        return {Mark(problem.line, problem.column) for problem in self._found}

    def raise_any(self) -> None:
        """Raise TopologyError if there is a mistake."""
        if self._found:
            raise TopologyError(self._found)

    def _problem(self, mark: Mark, message: str) -> Problem:
        """Make a problem of one printable line, whatever names of the file the message repeats."""
        shown = message[:LONGEST_MESSAGE]
        if not shown.isprintable():
            shown = "".join(each if each.isprintable() else "�" for each in shown)
        return Problem(self.file, mark.line, mark.column, shown)
