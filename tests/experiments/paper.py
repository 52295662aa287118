"""A lab on paper: the real prediction stands for the packets, with chosen lies in it.

It serves the tests of what experiments make of observations; tests of the packets use real labs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from anycastlab.probing.observation import Observation
from anycastlab.routing.catchment import predict
from anycastlab.routing.state import INTACT, NetworkState
from anycastlab.topology.network import Family, Network

Lie = Callable[[Observation], Observation]


def observation(**changes: Any) -> Observation:
    """Return an observation in which all is as predicted, but for the changes."""
    honest = Observation(
        client="c1",
        group="A",
        family=4,
        address="192.0.2.1",
        protocol="icmp",
        predicted=("s1",),
        received_by=("s1",),
        answered_by="s1",
        copies=1,
        rtt=0.0001,
    )
    return honest._replace(**changes)


class PaperLab:
    """Has the network and its state, and does what is asked of it, on paper."""

    def __init__(self, network: Network) -> None:
        self.network, self.name = network, network.name
        self.now = INTACT
        self.asked: list[tuple[Any, ...]] = []
        self.is_up = True

    def __enter__(self) -> PaperLab:
        return self

    def __exit__(self, *_: object) -> None:
        self.is_up = False

    def state(self) -> NetworkState:
        return self.now

    def troubles(self) -> list[str]:
        return []

    def predict(self, family: Family | None = None) -> dict[tuple[str, str], tuple[str, ...]]:
        return predict(self.network, self.now, family=family)

    def kill(self, node: str) -> None:
        self.asked.append(("kill", node))
        self.now = replace(self.now, dead=self.now.dead | {node})

    def revive(self, node: str) -> None:
        self.asked.append(("revive", node))
        self.now = replace(self.now, dead=self.now.dead - {node})

    def cut(self, a: str, b: str) -> None:
        self.asked.append(("cut", a, b))

    def mend(self, a: str, b: str) -> None:
        self.asked.append(("mend", a, b))

    def set_cost(self, a: str, b: str, there: int, back: int) -> None:
        self.asked.append(("set-cost", a, b, there, back))
        self.now = replace(self.now, costs={**self.now.costs, (a, b): there, (b, a): back})


class PaperProber:
    """Observes what is predicted, as changed by the lies: one for each round, the last for ever."""

    def __init__(self, lab: PaperLab, *lies: Lie) -> None:
        self.lab, self.lies = lab, list(lies)
        self.rounds = 0
        self.patience: list[float] = []
        self.lingered = 0.0

    def __enter__(self) -> PaperProber:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def catchment(
        self,
        clients: Sequence[str] | None = None,
        groups: Sequence[str] | None = None,
        families: Sequence[int] = (4, 6),
        protocols: Sequence[str] = ("icmp", "tcp", "udp"),
        timeout: float = 1.0,
        linger: float = 0.0,
    ) -> list[Observation]:
        self.rounds += 1
        self.patience.append(timeout)
        self.lingered = linger
        lie = self.lies[min(self.rounds, len(self.lies)) - 1] if self.lies else Observation._replace
        assert clients is not None
        assert groups is not None
        return [lie(one) for one in self._honest(clients, groups, families, protocols)]

    def _honest(
        self,
        clients: Sequence[str],
        groups: Sequence[str],
        families: Sequence[int],
        protocols: Sequence[str],
    ) -> Iterator[Observation]:
        predicted = self.lab.predict()
        for client in clients:
            for group in groups:
                for address in self.lab.network.groups[group].addresses:
                    for protocol in protocols if address.version in families else ():
                        nearest = predicted[client, group]
                        yield observation(
                            client=client,
                            group=group,
                            family=address.version,
                            address=str(address),
                            protocol=protocol,
                            predicted=nearest,
                            received_by=nearest[:1],
                            answered_by=nearest[0] if nearest else None,
                            copies=len(nearest[:1]),
                        )


def reaching(*instances: str) -> Lie:
    """Lie that these instances received each probe, and that the first answered."""

    def lie(honest: Observation) -> Observation:
        return honest._replace(
            received_by=instances,
            answered_by=instances[0] if instances else None,
            copies=len(instances),
        )

    return lie
