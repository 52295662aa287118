"""The difference between two forwarding tables."""

from __future__ import annotations

from typing import NamedTuple

from anycastlab.routing.table import Prefix, Table


class Change(NamedTuple):
    """The routes to remove from a table, and those to add or replace, service prefixes first."""

    removed: list[Prefix]
    put: Table

    def beyond(self, done: Change) -> Change:
        """Return what is left of this change when *done*, a part of it, is done already."""
        gone = set(done.removed)
        return Change(
            [prefix for prefix in self.removed if prefix not in gone],
            {prefix: hops for prefix, hops in self.put.items() if prefix not in done.put},
        )


def changed(old: Table, new: Table) -> Change:
    """Return what turns the old table into the new one."""
    return Change(
        [prefix for prefix in old if prefix not in new],
        {prefix: hops for prefix, hops in new.items() if old.get(prefix) != hops},
    )
