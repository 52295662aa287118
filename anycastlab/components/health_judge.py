"""When a service is taken for alive or dead, by the answers to its checks. Pure."""

from __future__ import annotations


class Judge:
    """Dead after *fall* failures in a row, alive after *rise* answers in a row."""

    def __init__(self, fall: int, rise: int, alive: bool = True) -> None:
        self._fall, self._rise = fall, rise
        self._in_a_row = 0
        self.alive = alive

    def see(self, answered: bool) -> bool:
        """Take one more check into account; return whether that changed ``alive``."""
        self._in_a_row = 0 if answered == self.alive else self._in_a_row + 1
        changed = self._in_a_row >= (self._fall if self.alive else self._rise)
        if changed:
            self.alive, self._in_a_row = not self.alive, 0
        return changed
