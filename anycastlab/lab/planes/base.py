"""The seam of control planes."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from typing import Protocol

from anycastlab.routing.state import NetworkState

READY_WITHIN = 30.0
"""Seconds in which routes should be there, unless a protocol's own timers take longer."""


class ControlPlane(Protocol):
    """Makes routes come about in a world whose links and addresses are there."""

    @property
    def ready_within(self) -> float:
        """Seconds in which all routes should be there after :meth:`install`."""
        ...

    def prepare(self) -> None:
        """Begin what needs no interface; called first."""
        ...

    def install(self) -> None:
        """Begin; called once, when every interface is configured."""
        ...

    def settle(self) -> bool:
        """Do a piece of what can wait until nobody waits; return whether there is more to do.

        Called when the lab is ready and after each fault, as long as nothing else is to do.
        """
        ...

    def reconverge(self, state: NetworkState) -> int:
        """React to a fault that has just struck; return how many routes were written by that.

        A plane whose daemons find out by themselves has nothing to do here and returns 0.
        """
        ...

    def daemons(self, name: str) -> Mapping[str, str]:
        """The daemons of a node, and how each ended by itself ('' while it runs).

        Those that were stopped are left out. Empty for good in a plane without daemons.
        """
        ...

    def stop_daemons(self, name: str, how: signal.Signals) -> None:
        """End what runs for a node: with KILL at once, with TERM in its own way."""
        ...

    def start_daemons(self, name: str) -> None:
        """Start what runs for a node; return when it serves. Raises ProgramError."""
        ...

    def wait(self, state: NetworkState, deadline: float) -> str:
        """Wait until every node's routes are as predicted; return '' or what is missing.

        *deadline* is on the monotonic clock.
        """
        ...
