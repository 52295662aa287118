"""The forwarding tables of a network in one state."""

from __future__ import annotations

from anycastlab.routing.forwarder import Forwarder
from anycastlab.routing.policed import policed
from anycastlab.routing.state import INTACT, NetworkState
from anycastlab.routing.table import Table
from anycastlab.topology.network import Network


def forwarding(network: Network, state: NetworkState = INTACT) -> dict[str, Table]:
    """Return the table of every living node; see :class:`.forwarder.Forwarder` for its routes."""
    return policed(network, state) if network.routing.policed else Forwarder(network, state).tables
