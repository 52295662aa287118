"""What one probe showed: who received it, who answered it, and what was predicted."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from anycastlab.topology.network import Family

Protocol = Literal["icmp", "tcp", "udp"]


class Observation(NamedTuple):
    """One client's probe to one service address.

    (A named tuple, as a map has tens of thousands: frozen dataclasses take many times as long.)

    ``received_by`` names the members whose tap recorded the probe, ``copies`` counts the recorded
    packets over all of them, ``answered_by`` names the member whose answer reached the client;
    ``rtt`` is in seconds, between the kernel's own time stamps at the client. ``predicted`` is the
    set of equally near instances, empty when no instance is reachable.
    """

    client: str
    group: str
    family: Family
    address: str
    protocol: Protocol
    predicted: tuple[str, ...]
    received_by: tuple[str, ...]
    answered_by: str | None
    copies: int
    rtt: float | None

    @property
    def ok(self) -> bool:
        """Whether only predicted instances received it and one of those answered.

        RFC 1546: delivery to at least one, preferably only one; a copy is no failure here. Where
        no instance is reachable, nothing may have been received.
        """
        if not self.predicted:
            return not self.received_by and self.answered_by is None
        return (
            bool(self.received_by)
            and set(self.received_by) <= set(self.predicted)
            and self.answered_by in self.received_by
        )

    def as_json(self) -> dict[str, Any]:
        """The object of the contract (see docs/json.md)."""
        return {
            "client": self.client,
            "group": self.group,
            "family": self.family,
            "address": self.address,
            "protocol": self.protocol,
            "predicted": list(self.predicted),
            "received_by": list(self.received_by),
            "answered_by": self.answered_by,
            "copies": self.copies,
            "rtt_ms": None if self.rtt is None else round(self.rtt * 1e3, 4),
            "ok": self.ok,
        }
