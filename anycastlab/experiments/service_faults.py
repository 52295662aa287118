"""Faults of applications: ``stop-service`` and ``start-service``. Routes know nothing of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from anycastlab.experiments.fault import Fault
from anycastlab.experiments.names import Complain, Names

if TYPE_CHECKING:
    from anycastlab.lab.handle import Lab

ALL = "all"


class ServiceFault(BaseModel, Fault):
    """A fault of one service of a node, or of all; in the file just the node stands for all."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    arguments: ClassVar[tuple[str, ...]] = ("NODE", "SERVICE|all")

    node: str = Field(description="Where the service runs.")
    service: str = Field(ALL, description="The name of a component, as identity; or all.")

    @model_validator(mode="before")
    @classmethod
    def from_short(cls, value: object) -> object:
        """Read the name of a node."""
        return {"node": value} if isinstance(value, str) else value

    @classmethod
    def from_words(cls, words: Sequence[str]) -> Self:
        """Make it of the node and the service."""
        node, service = words
        return cls(node=node, service=service)

    def check(self, names: Names, complain: Complain) -> None:
        """The node and the component must exist."""
        names.want_node(self.node, ("node",), complain)
        if self.service != ALL:
            names.want_component(self.service, ("service",), complain)

    @property
    def target(self) -> dict[str, Any]:
        """As the lab takes it."""
        return {"node": self.node, "service": None if self.service == ALL else self.service}

    @property
    def shown(self) -> str:
        """In words."""
        return f"{'every service' if self.service == ALL else self.service} of {self.node}"


class StopService(ServiceFault):
    """An application dies; its node lives, and the route to it stays."""

    verb: ClassVar[str] = "stop-service"

    def strike(self, lab: Lab) -> None:
        """Stop the service."""
        lab.stop_service(**self.target)

    def repair(self, lab: Lab) -> Fault:
        """To start it."""
        return StartService(node=self.node, service=self.service)

    def done(self) -> str:
        """Say so."""
        return f"{self.shown} has stopped"


class StartService(ServiceFault):
    """A stopped application serves again."""

    verb: ClassVar[str] = "start-service"

    def strike(self, lab: Lab) -> None:
        """Start the service."""
        lab.start_service(**self.target)

    def repair(self, lab: Lab) -> Fault:
        """To stop it."""
        return StopService(node=self.node, service=self.service)

    def done(self) -> str:
        """Say so."""
        return f"{self.shown} serves again"
