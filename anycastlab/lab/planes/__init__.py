"""Control planes: what writes the nodes' routes, and writes them again after a fault."""

from __future__ import annotations

from pathlib import Path

from anycastlab.lab.planes.base import ControlPlane
from anycastlab.lab.planes.kernel import KernelPlane
from anycastlab.lab.world import World

__all__ = ["ControlPlane", "make"]


def make(world: World, rundir: Path) -> ControlPlane:
    """The control plane the network's `routing:` asks for; *rundir* is the lab's own directory."""
    daemon = world.network.routing.daemon
    if daemon == "kernel":
        return KernelPlane(world)
    from anycastlab.lab.processes import Processes

    if daemon == "bird":
        from anycastlab.lab.planes.bird import BirdPlane

        return BirdPlane(world, Processes(rundir))
    from anycastlab.lab.planes.frr import FrrPlane

    return FrrPlane(world, Processes(rundir))
