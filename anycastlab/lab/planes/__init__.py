"""Control planes: what writes the nodes' routes, and writes them again after a fault."""

from __future__ import annotations

from pathlib import Path

from anycastlab.lab.planes.base import ControlPlane
from anycastlab.lab.planes.kernel import KernelPlane
from anycastlab.lab.planes.policed import PolicedPlane
from anycastlab.lab.planes.slow import SlowPlane
from anycastlab.lab.timers import Timers
from anycastlab.lab.world import World

__all__ = ["ControlPlane", "make"]


def make(world: World, rundir: Path, timers: Timers) -> ControlPlane:
    """The control plane the network's `routing:` asks for; *rundir* is the lab's own directory.

    *timers* are those of the loop the plane is in.
    """
    daemon = world.network.routing.daemon
    if daemon == "kernel":
        if world.network.routing.policed:
            return PolicedPlane(world)
        slow = world.network.routing.detect or world.network.routing.spread
        return SlowPlane(world, timers) if slow else KernelPlane(world)
    from anycastlab.lab.processes import Processes

    if daemon == "bird":
        from anycastlab.lab.planes.bird import BirdPlane

        return BirdPlane(world, Processes(rundir))
    from anycastlab.lab.planes.frr import FrrPlane

    return FrrPlane(world, Processes(rundir))
