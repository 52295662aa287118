"""What has happened to a running network: nodes died, links were cut, members withdrew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from anycastlab.topology.announcing import by_agent
from anycastlab.topology.network import Network


@dataclass(frozen=True, slots=True)
class NetworkState:
    """The difference between the network as written and as it is now.

    ``dead`` names nodes; ``cut`` names links (and single LAN ports as ``LAN:NODE``); ``costs`` maps
    ``(from node, to node)`` of a link to the cost that replaces the written one; ``withdrawn``
    holds ``(group, node)`` for members that have their addresses still, but no route leads there.
    ``mute`` names nodes whose routing daemon has been stopped: the others find no way through them.
    """

    dead: frozenset[str] = frozenset()
    cut: frozenset[str] = frozenset()
    costs: Mapping[tuple[str, str], int] = field(default_factory=lambda: MappingProxyType({}))
    withdrawn: frozenset[tuple[str, str]] = frozenset()
    mute: frozenset[str] = frozenset()


INTACT = NetworkState()


def as_begun(network: Network) -> NetworkState:
    """Return the state in which a lab comes up: members that agents announce are still to join."""
    return NetworkState(withdrawn=by_agent(network))
