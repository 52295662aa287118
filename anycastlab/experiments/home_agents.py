"""The step ``home-agents``: a client far away finds the home agents of a subnet (RFC 6275)."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from anycastlab.experiments.fields import Duration, WantedField
from anycastlab.experiments.names import Complain, Names
from anycastlab.experiments.step import Context, Step
from anycastlab.experiments.verdict import Outcome
from anycastlab.probing.home_agents import Discovery, discover

LINGER = 0.05
"""Seconds in which a second reply may still come."""


class HomeAgents(BaseModel, Step):
    """One home agent answers, from an address of its own, and names all of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    verb: ClassVar[str] = "home-agents"

    origin: str = Field(alias="from", description="The client.")
    to: str = Field(description="The group whose address is the home agents' of a LAN.")
    answered_by: WantedField = Field(
        alias="answered-by", description="The agent that answers, one of these, or none."
    )
    agents: WantedField = Field((), description="The agents it names; order does not matter.")
    within: Duration = Field(2.0, description="How long to wait for a reply.")

    def check(self, names: Names, complain: Complain) -> None:
        """The client and the group must exist, and the agents be members."""
        names.want_client(self.origin, ("from",), complain)
        if names.want_group(self.to, ("to",), complain):
            for key, members in (("answered-by", self.answered_by), ("agents", self.agents)):
                for place, member in enumerate(members):
                    names.want_member(member, (self.to,), (key, place), complain)

    def run(self, context: Context) -> Outcome:
        """Ask, and judge."""
        (client,) = context.senders((self.origin,))
        found = discover(context.lab, client, self.to, self.within, LINGER)
        who = f"{found.answered_by or 'nobody'} answers"
        seen = f"{who} from {found.source}: {', '.join(found.agents)}" if found.source else who
        return Outcome(seen, self.differences(found), data=found.as_json())

    def differences(self, found: Discovery) -> tuple[str, ...]:
        """Say what is not as expected."""
        if not self.answered_by and not found.replies:
            return ()
        if found.answered_by not in self.answered_by:
            wanted = " or ".join(self.answered_by) or "nobody"
            return (f"expected {wanted} to answer, it was {found.answered_by or 'nobody'}",)
        wrong = []
        if self.agents and set(found.agents) != set(self.agents):
            wrong.append(
                f"expected agents {', '.join(self.agents)}, named {', '.join(found.agents)}"
            )
        if found.source == found.asked:
            wrong.append("expected a unicast source, it was the anycast address itself")
        if found.replies != 1:
            wrong.append(f"expected one reply, there were {found.replies}")
        return tuple(wrong)
