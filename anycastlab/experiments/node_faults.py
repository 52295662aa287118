"""Faults of nodes: ``kill`` and ``revive``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import ConfigDict, RootModel

from anycastlab.experiments.fault import Fault
from anycastlab.experiments.names import Complain, Names

if TYPE_CHECKING:
    from anycastlab.lab.handle import Lab


class NodeFault(RootModel[str], Fault):
    """A fault whose argument is the name of a node."""

    model_config = ConfigDict(frozen=True)
    arguments: ClassVar[tuple[str, ...]] = ("NODE",)

    @classmethod
    def from_words(cls, words: Sequence[str]) -> Self:
        """Make it of the node's name."""
        (node,) = words
        return cls(node)

    def check(self, names: Names, complain: Complain) -> None:
        """The node must exist."""
        names.want_node(self.root, (), complain)


class Kill(NodeFault):
    """The node's namespace goes, with its links, routes and processes."""

    verb: ClassVar[str] = "kill"

    def strike(self, lab: Lab) -> None:
        """Kill the node."""
        lab.kill(self.root)

    def repair(self, lab: Lab) -> Fault:
        """To revive it."""
        return Revive(self.root)

    def done(self) -> str:
        """Say so."""
        return f"{self.root} is dead"


class Revive(NodeFault):
    """A killed node comes back as it was when the lab came up."""

    verb: ClassVar[str] = "revive"

    def strike(self, lab: Lab) -> None:
        """Revive the node."""
        lab.revive(self.root)

    def repair(self, lab: Lab) -> Fault:
        """To kill it again."""
        return Kill(self.root)

    def done(self) -> str:
        """Say so."""
        return f"{self.root} is back"
