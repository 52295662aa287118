"""What has happened to a running network: dead nodes, cut links, changed costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class NetworkState:
    """The difference between the network as written and as it is now.

    ``dead`` names nodes; ``cut`` names links (and single LAN ports as ``LAN:NODE``); ``costs`` maps
    ``(from node, to node)`` of a link to the cost that replaces the written one.
    """

    dead: frozenset[str] = frozenset()
    cut: frozenset[str] = frozenset()
    costs: Mapping[tuple[str, str], int] = field(default_factory=lambda: MappingProxyType({}))


INTACT = NetworkState()
