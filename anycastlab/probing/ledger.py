"""What the clients' side knows of the probes of one pass: plain lists, indexed by number."""

from __future__ import annotations

from anycastlab.probing.identify import Flow

REFUSED = -1


class Ledger:
    """The probes of one pass: the n-th has the id ``first + n``.

    ``sent`` and ``answered`` are kernel time stamps (ns), 0 for none; ``answered`` is REFUSED where
    no answer will come. ``names`` are the instances named inside answers, ``rtts`` seconds measured
    by the kernel itself, ``flows`` the numbers of sessions. ``sources`` are the socket addresses
    answers came from; None if nobody wants to know.
    """

    def __init__(self, first: int, count: int, *, sources: bool = False) -> None:
        self.first, self.count = first, count
        self.sent = [0] * count
        self.answered = [0] * count
        self.names: dict[int, str] = {}
        self.rtts: dict[int, float] = {}
        self.flows: dict[Flow, int] = {}
        self.sources: dict[int, bytes] | None = {} if sources else None

    def note(self, probe: int, stamp: int, name: str | None = None) -> None:
        """Note the first answer to a probe, or that it is REFUSED.

        Ids of other passes are ignored.
        """
        number = probe - self.first
        if 0 <= number < self.count and not self.answered[number]:
            self.answered[number] = stamp
            if name is not None:
                self.names[number] = name

    def hear(self, probe: int, source: bytes) -> None:
        """Note the socket address (struct sockaddr_in or sockaddr_in6) an answer came from."""
        if self.sources is not None:
            self.sources.setdefault(probe - self.first, source)

    def settled(self, start: int, count: int) -> bool:
        """Whether nothing more is expected of *count* probes from number *start* on."""
        return 0 not in self.answered[start : start + count]

    def round_trips(self) -> list[float | None]:
        """Seconds from sending to answer for each probe, by the kernel's stamps."""
        stamps = zip(self.sent, self.answered, strict=True)
        found = [(back - there) / 1e9 if there and back > 0 else None for there, back in stamps]
        for number, rtt in self.rtts.items():
            found[number] = rtt
        return found
