"""The difference between two forwarding tables."""

from __future__ import annotations

from collections.abc import Container
from typing import NamedTuple

from anycastlab.routing.table import Prefix, Table


class Change(NamedTuple):
    """The routes to remove from a table, and those to add or replace, service prefixes first."""

    removed: list[Prefix]
    put: Table

    def size(self) -> int:
        """Return how many routes change."""
        return len(self.removed) + len(self.put)

    def without(self, prefixes: Container[Prefix]) -> Change:
        """Return the part of this change that is not about these prefixes."""
        return Change(
            [prefix for prefix in self.removed if prefix not in prefixes],
            {prefix: hops for prefix, hops in self.put.items() if prefix not in prefixes},
        )

    def apply(self, table: Table) -> None:
        """Change a table."""
        for prefix in self.removed:
            del table[prefix]
        table.update(self.put)


def changed(old: Table, new: Table) -> Change:
    """Return what turns the old table into the new one."""
    return Change(
        [prefix for prefix in old if prefix not in new],
        {prefix: hops for prefix, hops in new.items() if old.get(prefix) != hops},
    )
