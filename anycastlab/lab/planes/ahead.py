"""The first tables of a large network, computed in a process of their own.

Making namespaces is the kernel's work, shortest paths are ours: on two cores they take the time of
the longer one.
"""

from __future__ import annotations

import os
import pickle
from contextlib import suppress

from anycastlab.routing.forwarder import Forwarder
from anycastlab.routing.state import as_begun
from anycastlab.routing.table import Table
from anycastlab.topology.network import Network

_WORTH_IT = 100
"""Nodes from which on a fork costs less than it saves."""


class TablesAhead:
    """Begins to compute when it is made; :meth:`get` waits for the result."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._pipe = -1
        if len(network.nodes) >= _WORTH_IT:
            self._pipe, theirs = os.pipe()
            if os.fork() == 0:
                _compute(network, theirs)
            os.close(theirs)

    def get(self) -> dict[str, Table]:
        """The tables of the network as it comes up."""
        if self._pipe >= 0:
            with suppress(EOFError, pickle.UnpicklingError), open(self._pipe, "rb") as pipe:
                self._pipe = -1
                tables: dict[str, Table] = pickle.load(pipe)
                return tables
        return Forwarder(self._network, as_begun(self._network)).tables


def _compute(network: Network, pipe: int) -> None:
    try:
        with open(pipe, "wb") as file:
            pickle.dump(Forwarder(network, as_begun(network)).tables, file, pickle.HIGHEST_PROTOCOL)
    finally:
        os._exit(0)
