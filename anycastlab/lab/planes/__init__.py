"""Control planes: what writes the nodes' routes, and writes them again after a fault."""

from __future__ import annotations

from pathlib import Path

from anycastlab.lab.planes.base import ControlPlane
from anycastlab.lab.planes.kernel import KernelPlane
from anycastlab.lab.world import World

__all__ = ["ControlPlane", "make"]


def make(world: World, rundir: Path = Path("/run/anycastlab")) -> ControlPlane:
    """The control plane the network's `routing:` asks for; *rundir* is the lab's own directory."""
    if world.network.routing.daemon == "bird":
        from anycastlab.lab.planes.bird import BirdPlane
        from anycastlab.lab.processes import Processes

        return BirdPlane(world, Processes(rundir))
    return KernelPlane(world)
