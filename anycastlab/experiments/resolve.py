"""The step ``resolve``: a client asks an anycast address for a unicast one (RFC 4620)."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from anycastlab.experiments.fields import Duration
from anycastlab.experiments.names import Complain, Names
from anycastlab.experiments.step import Context, Step
from anycastlab.experiments.verdict import Outcome


class Resolve(BaseModel, Step):
    """A client learns the address of the instance it reaches, or is refused, or hears nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    verb: ClassVar[str] = "resolve"

    origin: str = Field(alias="from", description="The client.")
    to: str = Field(description="The group whose IPv6 address is asked.")
    instance: str | None = Field(None, description="The member whose address it learns.")
    answer: Literal["resolved", "refused", "silent"] = Field(
        "resolved", description="What comes of it."
    )
    within: Duration = Field(2.0, description="How long to wait for a reply.")

    @model_validator(mode="after")
    def makes_sense(self) -> Self:
        """Refuse an instance where none is learnt."""
        if self.instance is not None and self.answer != "resolved":
            raise ValueError("an instance is learnt only where the answer is resolved")
        return self

    def check(self, names: Names, complain: Complain) -> None:
        """The client and the group must exist, and the instance be a member."""
        names.want_client(self.origin, ("from",), complain)
        if names.want_group(self.to, ("to",), complain) and self.instance is not None:
            names.want_member(self.instance, (self.to,), ("instance",), complain)

    def run(self, context: Context) -> Outcome:
        """Ask, and judge."""
        from anycastlab.probing.resolve import resolve

        (client,) = context.senders((self.origin,))
        found = resolve(context.lab, client, self.to, self.within)
        differences = []
        if found.answer != self.answer:
            differences.append(f"expected the answer to be {self.answer}, it was {found.answer}")
        elif self.instance is not None and found.node != self.instance:
            differences.append(f"expected an address of {self.instance}, it is {found.node}'s")
        seen = f"{found.answer}: {', '.join(found.addresses) or 'no address'}"
        return Outcome(seen, tuple(differences), data=found.as_json())
