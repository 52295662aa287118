"""The two registries: every fault, and every step (each fault is one too)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from anycastlab.experiments.advertise_fault import Advertise
from anycastlab.experiments.blackhole_faults import Blackhole, Clear
from anycastlab.experiments.catchment import Catchment
from anycastlab.experiments.command import Exec
from anycastlab.experiments.daemon_faults import StartDaemon, StopDaemon
from anycastlab.experiments.expect import Expect
from anycastlab.experiments.fault import Fault
from anycastlab.experiments.flap_fault import Flap
from anycastlab.experiments.home_agents import HomeAgents
from anycastlab.experiments.impairment_faults import Impair, Restore
from anycastlab.experiments.link_faults import Cut, Mend, SetCost
from anycastlab.experiments.member_faults import Announce, Drain, Withdraw
from anycastlab.experiments.neighbours import Neighbours
from anycastlab.experiments.node_faults import Kill, Revive
from anycastlab.experiments.resolve import Resolve
from anycastlab.experiments.routes import Routes
from anycastlab.experiments.routing_header import RoutingHeader
from anycastlab.experiments.service_faults import StartService, StopService
from anycastlab.experiments.sessions import Sessions
from anycastlab.experiments.show import Show
from anycastlab.experiments.step import Step
from anycastlab.experiments.stream import Stream

FAULTS: Mapping[str, type[Fault]] = MappingProxyType(
    {
        fault.verb: fault
        for fault in (
            *(Kill, Revive, Cut, Mend, SetCost),
            *(Impair, Restore, Blackhole, Clear),
            *(StopService, StartService, Withdraw, Announce, Drain),
            *(StopDaemon, StartDaemon),
            *(Advertise, Flap),
        )
    }
)
STEPS: Mapping[str, type[Step]] = MappingProxyType(
    {
        **{step.verb: step for step in (Expect, Catchment, Stream, Sessions, Exec, Show, Resolve)},
        **{step.verb: step for step in (Routes, RoutingHeader, HomeAgents, Neighbours)},
        **FAULTS,
    }
)
