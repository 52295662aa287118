"""The step ``routing-header``: what a node makes of an IPv6 routing header of type 0 (RFC 5095)."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from anycastlab.experiments.fields import Duration
from anycastlab.experiments.names import Complain, Names
from anycastlab.experiments.step import Context, Step
from anycastlab.experiments.verdict import Outcome
from anycastlab.probing.routing_header import Answer, ask


class RoutingHeader(BaseModel, Step):
    """A client sends an echo request with the header, and gets an answer, or none."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    verb: ClassVar[str] = "routing-header"

    origin: str = Field(alias="from", description="The client.")
    to: str = Field(description="The group whose IPv6 address is the destination.")
    left: Annotated[int, Field(ge=0, le=1)] = Field(1, description="Segments left: 1 or 0.")
    answer: Answer = Field(description="What comes back.")
    pointer: int | None = Field(None, description="The byte a parameter problem points at.")
    within: Duration = Field(1.0, description="How long to wait for an answer.")

    @model_validator(mode="after")
    def makes_sense(self) -> Self:
        """Refuse a pointer where there is none."""
        if self.pointer is not None and self.answer != "parameter-problem":
            raise ValueError("only a parameter-problem has a pointer")
        return self

    def check(self, names: Names, complain: Complain) -> None:
        """The client and the group must exist."""
        names.want_client(self.origin, ("from",), complain)
        names.want_group(self.to, ("to",), complain)

    def run(self, context: Context) -> Outcome:
        """Send it, and judge."""
        (client,) = context.senders((self.origin,))
        found = ask(context.lab, client, self.to, self.left, self.within)
        differences = []
        if found.answer != self.answer:
            differences.append(f"expected {self.answer}, it was {found.answer}")
        elif self.pointer not in (None, found.pointer):
            differences.append(f"expected pointer {self.pointer}, it is {found.pointer}")
        return Outcome(found.text(), tuple(differences), data=found.as_json())
