"""The components that run in the supervisor's own loop: identity, and what `run:` adds."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from typing import Any

from anycastlab.components.base import Component, Joining
from anycastlab.components.registry import find
from anycastlab.errors import UsageError, did_you_mean
from anycastlab.lab.faults import find_node
from anycastlab.lab.joining import agents
from anycastlab.lab.place import Loop, NodePlace
from anycastlab.lab.world import World
from anycastlab.topology.network import Component as Attached
from anycastlab.topology.network import Node

IDENTITY = Attached("identity")
"""Every server answers with its name, so that answer and reception can be compared."""
HEALTH = Attached("health")
"""Members that are tied to a check are looked after."""


class Services:
    """Starts and stops the components of each node."""

    def __init__(self, world: World, loop: Loop) -> None:
        self._world = world
        self._loop = loop
        self._running: dict[str, list[Component]] = {}
        self._places: dict[str, NodePlace] = {}
        self._agents = agents(world.network)
        members = [one for group in world.network.groups.values() for one in group.members]
        self._members = {member.node for member in members}
        self._tied = {member.node for member in members if member.tied}

    def start_all(self) -> None:
        """Start what every node runs, in routers first: hosts speak to them at once."""
        nodes = self._world.network.nodes
        for name in sorted(nodes, key=lambda name: not nodes[name].forwards):
            self.start(name)

    def start(self, name: str) -> None:
        """Start what one node runs."""
        for attached in self._wanted(self._world.network.nodes[name]):
            self._start(name, attached)

    def _start(self, name: str, attached: Attached) -> None:
        kind = find(attached.name)
        component = kind()
        if name not in self._places:
            self._places[name] = NodePlace(name, self._world.namespaces[name], self._loop)
        try:
            component.start(self._places[name], kind.options.model_validate(dict(attached.options)))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise UsageError(
                f"{attached.name} of {name!r}: its port is taken in that node"
            ) from None
        self._running.setdefault(name, []).append(component)

    def _wanted(self, node: Node) -> tuple[Attached, ...]:
        identifies = node.role == "server" or node.name in self._members
        named = {attached.name for attached in node.run}
        before = (*((IDENTITY,) if identifies else ()), *self._agents.get(node.name, ()))
        after = (HEALTH,) if node.name in self._tied else ()
        unnamed = ([one for one in some if one.name not in named] for some in (before, after))
        first, last = unnamed
        return (*first, *node.run, *last)

    def stop(self, name: str) -> None:
        """Stop what one node ran that has died."""
        if name in self._places:
            self._places.pop(name).alive = False
        for component in self._running.pop(name, []):
            component.stop()

    def stop_service(self, node: str, service: str | None) -> None:
        """Stop one service of a living node, or all. Raises UsageError when none runs.

        What only looks after services (a health check) has to be named.
        """
        self._want_alive(node)
        running = self._running.get(node, [])
        going = [c for c in running if service == c.name or (service is None and c.serves)]
        if not going:
            raise UsageError(f"{node!r} runs no {service or 'service'}")
        for component in going:
            self._running[node].remove(component)
            component.stop()

    def start_service(self, node: str, service: str | None) -> None:
        """Start one stopped service of a living node, or all. Raises UsageError when none is."""
        self._want_alive(node)
        wanted = self._wanted(self._world.network.nodes[node])
        missing = [a for a in wanted if a.name not in self.running(node)]
        coming = [a for a in missing if service in (None, a.name)]
        if not coming:
            raise UsageError(f"{node!r} has no {service or 'service'} that was stopped")
        for attached in coming:
            self._start(node, attached)

    def _want_alive(self, name: str) -> None:
        if name not in self._world.namespaces:
            raise UsageError(f"node {find_node(self._world.network, name)!r} is dead")

    def running(self, name: str) -> list[str]:
        """The names of what one node runs."""
        return [component.name for component in self._running.get(name, [])]

    def agent(self, name: str) -> Joining | None:
        """What makes a living node a member, if it runs."""
        self._want_alive(name)
        running = self._running.get(name, [])
        return next((component for component in running if isinstance(component, Joining)), None)

    def missing(self) -> str:
        """What a component still waits for; '' for nothing."""
        running = (component for all_of in self._running.values() for component in all_of)
        return next(filter(None, (component.missing() for component in running)), "")

    def tell(self, node: str, service: str | None) -> dict[str, Mapping[str, Any]]:
        """What a living node's components hold now, by their names. Raises UsageError."""
        self._want_alive(node)
        running = self._running.get(node, [])
        if service is not None and service not in self.running(node):
            hint = did_you_mean(service, self.running(node))
            raise UsageError(f"{node!r} runs no {service!r}{hint}")
        return {c.name: c.tell() for c in running if service in (None, c.name)}
