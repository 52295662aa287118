"""Who asks on a link, and when: the querier of RFC 2710, sections 5 and 6.

Of several routers on a link the one of the lowest address asks; the others ask when it has been
silent for too long. They all listen.
"""

from __future__ import annotations

from collections.abc import Callable

from anycastlab.components.membership.options import MembershipTimers
from anycastlab.components.membership.table import Clock


class Querier:
    """One router on one link. It calls *ask* whenever a general query is due."""

    def __init__(
        self, timers: MembershipTimers, own: bytes, clock: Clock, ask: Callable[[], None]
    ) -> None:
        """*own* is the source of its queries, packed."""
        self._timers, self._own, self._clock, self._ask = timers, own, clock, ask
        self._other_until = 0.0
        self._startup = timers.robustness
        self._round = 0

    @property
    def asks(self) -> bool:
        """Whether it is this router that asks."""
        return self._clock.now() >= self._other_until

    def start(self) -> None:
        """Ask as soon as all that starts now has started, and from then on."""
        self._round += 1
        number = self._round
        self._clock.after(0, lambda: self._go_on(number))

    def _go_on(self, number: int) -> None:
        if number != self._round:
            return
        self._ask()
        self._startup = max(0, self._startup - 1)
        wait = self._timers.startup if self._startup else self._timers.query
        self._clock.after(wait, lambda: self._go_on(number))

    def heard(self, source: bytes) -> None:
        """Note another router's query: one of a lower address asks in this one's stead."""
        if source < self._own:
            self._other_until = self._clock.now() + self._timers.other_querier
            self._round += 1
            number = self._round
            self._clock.after(self._timers.other_querier, lambda: self._go_on(number))

    def stop(self) -> None:
        """Ask no more."""
        self._round += 1
