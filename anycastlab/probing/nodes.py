"""What the prober needs of a running lab."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping
from typing import Protocol

from anycastlab.topology.network import Family, Network


class Nodes(Protocol):
    """A running network: where to open sockets, and what to expect of it."""

    @property
    def network(self) -> Network:
        """The network as resolved from its file."""
        ...

    def socket(self, node: str, family: int, kind: int, protocol: int = 0, /) -> socket.socket:
        """Open a socket inside a node's namespace. Raises UsageError when the node is dead."""
        ...

    def namespaces(self, nodes: Iterable[str], /) -> Mapping[str, int]:
        """Descriptors, which stay the lab's, of the namespaces of those *nodes* that are alive."""
        ...

    def predict(self, family: Family | None = None) -> Mapping[tuple[str, str], tuple[str, ...]]:
        """Map each (client, group) to its nearest instances, as the network stands now.

        With a *family*, only its addresses count.
        """
        ...
