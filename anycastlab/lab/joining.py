"""Members that join by agents: who runs one unasked, and how such a member is told to leave."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anycastlab.components.base import Joining
from anycastlab.components.membership.names import HOST, ROUTER
from anycastlab.errors import UsageError
from anycastlab.topology.announcing import Membership, by_agent, neighbours
from anycastlab.topology.network import Component as Attached
from anycastlab.topology.network import Network

if TYPE_CHECKING:
    from anycastlab.lab.faults import Faults
    from anycastlab.lab.services import Services


def agents(network: Network) -> dict[str, tuple[Attached, ...]]:
    """The agents that nodes run unless they are named under `run:`, by node.

    The host agent of members that announce by one, the router agent of the routers beside them.
    """
    found: dict[str, dict[str, None]] = {}
    for _group, member in by_agent(network):
        found.setdefault(member, {})[HOST] = None
        for _near, far in neighbours(network, member):
            if network.nodes[far.node].forwards:
                found.setdefault(far.node, {})[ROUTER] = None
    return {node: tuple(map(Attached, names)) for node, names in found.items()}


class Members:
    """Withdraws and announces members, each the way it is announced."""

    def __init__(self, faults: Faults, services: Services) -> None:
        self._faults, self._services = faults, services

    def withdraw(self, node: str, group: str | None) -> int:
        """Let no route lead to a member, or have its agent take leave; return routes changed."""
        told, others = self._parted(node, group)
        for name, agent in told.items():
            agent.leave(name)
        return self._faults.withdraw(node, group) if others else 0

    def announce(self, node: str, group: str | None) -> int:
        """Let routes lead to a member, or have its agent join; return the routes changed."""
        told, others = self._parted(node, group)
        for name, agent in told.items():
            agent.join(name)
        return self._faults.announce(node, group) if others else 0

    def _parted(
        self, node: str, group: str | None
    ) -> tuple[dict[str, Joining], frozenset[Membership]]:
        """Return the groups that an agent is told of, and the memberships that need none."""
        memberships = self._faults.memberships(node, group)
        by_agents = memberships & self._faults.by_agent
        agent = self._services.agent(node) if by_agents else None
        if by_agents and agent is None:
            raise UsageError(f"{node!r} runs no {HOST}, which would have to tell the routers")
        told = {name: agent for name, _ in sorted(by_agents) if agent is not None}
        return told, memberships - by_agents
