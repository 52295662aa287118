"""The fault ``advertise``: a member tells its LAN, unasked, that it has an address."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field

from anycastlab.errors import UsageError, did_you_mean
from anycastlab.experiments.fault import Fault
from anycastlab.experiments.names import Complain, Names
from anycastlab.lab.advertise import advertise
from anycastlab.lab.faults import find_node

if TYPE_CHECKING:
    from anycastlab.lab.handle import Lab


class Advertise(BaseModel, Fault):
    """A node tells its LANs, unasked, that it has a group's addresses.

    That is gratuitous ARP and an unsolicited Neighbour Advertisement: whoever has an entry for the
    address believes it at once.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    verb: ClassVar[str] = "advertise"
    arguments: ClassVar[tuple[str, ...]] = ("NODE", "GROUP")

    node: str = Field(description="Who says so; nobody checks that it is a member.")
    group: str = Field(description="The group whose addresses on a LAN of the node it claims.")

    @classmethod
    def from_words(cls, words: Sequence[str]) -> Self:
        """Make it of the node and the group."""
        node, group = words
        return cls(node=node, group=group)

    def check(self, names: Names, complain: Complain) -> None:
        """Both must exist, and the group have an address on a LAN of the node."""
        here = names.want_node(self.node, ("node",), complain)
        if names.want_group(self.group, ("group",), complain) and here:
            names.want_on_link(self.node, self.group, ("group",), complain)

    def strike(self, lab: Lab) -> None:
        """Send one frame for each address."""
        find_node(lab.network, self.node)
        if self.group not in lab.network.groups:
            hint = did_you_mean(self.group, lab.network.groups)
            raise UsageError(f"no group {self.group!r} in this lab{hint}")
        advertise(lab, self.node, self.group)

    def repair(self, lab: Lab) -> Fault:
        """What was said cannot be taken back: say it again."""
        return self

    def done(self) -> str:
        """Say so."""
        return f"{self.node} has advertised {self.group}"
