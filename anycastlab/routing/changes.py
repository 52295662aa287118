"""The difference between two forwarding tables."""

from __future__ import annotations

from typing import NamedTuple

from anycastlab.routing.table import Prefix, Table


class Change(NamedTuple):
    """The routes to remove from a table, and those to add or replace, service prefixes first."""

    removed: list[Prefix]
    put: Table


def changed(old: Table, new: Table) -> Change:
    """Return what turns the old table into the new one."""
    return Change(
        [prefix for prefix in old if prefix not in new],
        {prefix: hops for prefix, hops in new.items() if old.get(prefix) != hops},
    )
