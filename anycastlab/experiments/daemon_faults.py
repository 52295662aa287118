"""Faults of routing daemons: ``stop-daemon`` and ``start-daemon``. Links and services stay up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from anycastlab.experiments.fault import Fault
from anycastlab.experiments.names import Complain, Names
from anycastlab.experiments.node_faults import NodeFault
from anycastlab.experiments.words import model_of

if TYPE_CHECKING:
    from anycastlab.lab.handle import Lab


class StopDaemon(BaseModel, Fault):
    """A node's routing daemon ends: by TERM it takes leave, by KILL nobody is told."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    verb: ClassVar[str] = "stop-daemon"
    arguments: ClassVar[tuple[str, ...]] = ("NODE", "TERM|KILL")

    node: str = Field(description="Where the daemon runs.")
    signal: Literal["TERM", "KILL"] = Field(
        "TERM", description="TERM: it takes leave of its neighbours; KILL: they have to find out."
    )

    @model_validator(mode="before")
    @classmethod
    def from_short(cls, value: object) -> object:
        """Read the name of a node."""
        return {"node": value} if isinstance(value, str) else value

    @classmethod
    def from_words(cls, words: Sequence[str]) -> Self:
        """Make it of the node and the signal."""
        node, signal = words
        return model_of(cls, {"node": node, "signal": signal})

    def check(self, names: Names, complain: Complain) -> None:
        """The node must exist, and run a daemon."""
        names.want_daemon(self.node, ("node",), complain)

    def strike(self, lab: Lab) -> None:
        """Stop the daemon."""
        lab.stop_daemon(self.node, self.signal)

    def repair(self, lab: Lab) -> Fault:
        """To start it."""
        return StartDaemon(self.node)

    def done(self) -> str:
        """Say so."""
        return f"the routing daemon of {self.node} has stopped ({self.signal})"


class StartDaemon(NodeFault):
    """A routing daemon that was stopped, or has ended, runs again."""

    verb: ClassVar[str] = "start-daemon"

    def check(self, names: Names, complain: Complain) -> None:
        """The node must exist, and run a daemon."""
        names.want_daemon(self.root, (), complain)

    def strike(self, lab: Lab) -> None:
        """Start the daemon."""
        lab.start_daemon(self.root)

    def repair(self, lab: Lab) -> Fault:
        """To stop it again."""
        return StopDaemon(node=self.root)

    def done(self) -> str:
        """Say so."""
        return f"the routing daemon of {self.root} runs"
