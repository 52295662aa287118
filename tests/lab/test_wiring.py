"""What wiring chooses for itself."""

from __future__ import annotations

from struct import Struct

from anycastlab.lab.wiring import bridge_messages
from anycastlab.topology.interfaces import RESERVED
from anycastlab.topology.resolve import FIRST_INDEX

_index = Struct("=16xB3xi")  # after the header: ifinfmsg


def test_no_device_takes_the_index_of_a_fallback_tunnel() -> None:
    """Kernels with these tunnels make all of them in a new namespace, first thing after `lo`."""
    tunnels = [name for name in RESERVED if name.endswith("0")]
    assert len(tunnels) == 9
    _loopback, bridge = (_index.unpack_from(message)[1] for message in bridge_messages())
    assert min(FIRST_INDEX, bridge) > 1 + len(tunnels)
