"""Control planes: what writes the nodes' routes, and writes them again after a fault."""

from __future__ import annotations

from anycastlab.lab.planes.base import ControlPlane
from anycastlab.lab.planes.kernel import KernelPlane
from anycastlab.lab.world import World

__all__ = ["ControlPlane", "make"]


def make(world: World) -> ControlPlane:
    """The control plane the network's `routing:` asks for."""
    return KernelPlane(world)
