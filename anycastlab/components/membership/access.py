"""Who may join what: the pairs of source and address a router's agent takes reports for.

A report diverts traffic to its sender, so whatever is not on the list is refused (draft, section 5;
RFC 7094, section 4.4).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from anycastlab.components.membership.dialects import DIALECTS, Dialect
from anycastlab.components.membership.names import HOST
from anycastlab.components.membership.options import HostOptions, RouterOptions
from anycastlab.components.membership.table import Key
from anycastlab.topology.announcing import BY_AGENT, neighbours
from anycastlab.topology.network import Interface, Network


@dataclass(frozen=True, slots=True)
class Candidate:
    """A member that may be beside a router: the interfaces of both, and how it announces what."""

    near: Interface
    far: Interface
    dialect: Dialect
    group: str
    address: bytes

    @property
    def key(self) -> Key:
        """Its membership in the router's table."""
        return Key(self.near.name, self.far.node, self.address)


def candidates(network: Network, router: str) -> Iterator[Candidate]:
    """Yield every member beside a router that agents announce."""
    for near, far in neighbours(network, router):
        for group in network.groups.values():
            for member in group.members:
                if member.node == far.node and member.announce in BY_AGENT:
                    for address in group.addresses:
                        yield Candidate(
                            near, far, DIALECTS[member.announce], group.name, address.packed
                        )


def permitted(options: RouterOptions, candidate: Candidate) -> bool:
    """Whether a router's access list has a member."""
    if options.permit == "members":
        return True
    return any(
        (pair.source, pair.group) == (candidate.far.node, candidate.group)
        for pair in options.permit
    )


def joins_at_start(network: Network, member: str) -> bool:
    """Whether a member's agent joins by itself."""
    for attached in network.nodes[member].run:
        if attached.name == HOST:
            return HostOptions.model_validate(dict(attached.options)).join
    return True
