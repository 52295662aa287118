"""The components that run in the supervisor's own loop: identity, and what `run:` adds."""

from __future__ import annotations

import selectors

from anycastlab.components.base import Component, Ready, Socket
from anycastlab.components.registry import find
from anycastlab.errors import UsageError
from anycastlab.kernel import namespace
from anycastlab.lab.faults import find_node
from anycastlab.lab.world import World
from anycastlab.topology.network import Component as Attached
from anycastlab.topology.network import Node

IDENTITY = Attached("identity")
"""Every server answers with its name, so that answer and reception can be compared."""


class _Place:
    """A node, as its components see it."""

    def __init__(self, node: str, held: int, selector: selectors.BaseSelector) -> None:
        self.node = node
        self._held = held
        self._selector = selector

    def socket(self, family: int, kind: int, protocol: int = 0) -> Socket:
        return namespace.open_socket(self._held, family, kind, protocol)

    def watch(self, watched: Socket, ready: Ready, writable: bool = False) -> None:
        def call(_file: object, _events: int) -> None:
            ready(watched)

        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if writable else 0)
        if watched.fileno() in self._selector.get_map():
            self._selector.modify(watched, events, call)
        else:
            self._selector.register(watched, events, call)

    def unwatch(self, watched: Socket) -> None:
        self._selector.unregister(watched)


class Services:
    """Starts and stops the components of each node."""

    def __init__(self, world: World, selector: selectors.BaseSelector) -> None:
        self._world = world
        self._selector = selector
        self._running: dict[str, list[Component]] = {}
        self._members = {
            name for group in world.network.groups.values() for name in group.instances
        }

    def start_all(self) -> None:
        """Start what every node runs."""
        for name in self._world.network.nodes:
            self.start(name)

    def start(self, name: str) -> None:
        """Start what one node runs."""
        for attached in self._wanted(self._world.network.nodes[name]):
            self._start(name, attached)

    def _start(self, name: str, attached: Attached) -> None:
        kind = find(attached.name)
        component = kind()
        place = _Place(name, self._world.namespaces[name], self._selector)
        component.start(place, kind.options.model_validate(dict(attached.options)))
        self._running.setdefault(name, []).append(component)

    def _wanted(self, node: Node) -> tuple[Attached, ...]:
        identifies = node.role == "server" or node.name in self._members
        named = any(attached.name == IDENTITY.name for attached in node.run)
        return (IDENTITY, *node.run) if identifies and not named else node.run

    def stop(self, name: str) -> None:
        """Stop what one node runs."""
        for component in self._running.pop(name, []):
            component.stop()

    def stop_service(self, node: str, service: str | None) -> None:
        """Stop one service of a living node, or all. Raises UsageError when none runs."""
        self._want_alive(node)
        going = [c for c in self._running.get(node, []) if service in (None, c.name)]
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
