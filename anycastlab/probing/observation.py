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
    set of equally near instances, empty when no instance is reachable. A ``formal`` address is of
    mode rfc2373; ``reply_from`` is the address the answer came from, None where nobody looked.
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
    formal: bool = False
    reply_from: str | None = None

    @property
    def ok(self) -> bool:
        """Whether only predicted instances received it and one of those answered.

        RFC 1546: delivery to at least one, preferably only one; a copy is no failure here. Where
        no instance is reachable, nothing may have been received. A formal anycast address is never
        the source of an answer (RFC 2373, section 2.6), and Linux drops TCP to it.
        """
        if not self.predicted:
            return not self.received_by and self.answered_by is None
        received = bool(self.received_by) and set(self.received_by) <= set(self.predicted)
        if self.formal and self.protocol == "tcp":
            return received and self.answered_by is None
        lawful = not self.formal or self.reply_from != self.address
        return received and self.answered_by in self.received_by and lawful

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
            "reply_from": self.reply_from,
            "ok": self.ok,
        }
