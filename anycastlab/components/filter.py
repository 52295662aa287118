"""What a component is that consists of rules alone: one table of nftables, with its counters."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from anycastlab.components import nft
from anycastlab.components.base import Component, Options, Place
from anycastlab.errors import UsageError, did_you_mean


class Filter(Component):
    """Loads its table when it starts, takes it away when it stops, and tells its named counters."""

    serves: ClassVar[bool] = False
    family: ClassVar[nft.Family] = "inet"

    def __init__(self) -> None:
        self._place: Place | None = None

    @abstractmethod
    def rules(self, place: Place, options: Options) -> str:
        """The counters and chains of the table. Raises UsageError for what is no neighbour."""

    def start(self, place: Place, options: Options) -> None:
        """Load the table. Raises UsageError, ProgramError."""
        nft.load(place, f"table {self.family} {self.name} {{\n{self.rules(place, options)}\n}}\n")
        self._place = place

    def stop(self) -> None:
        """Take the table away."""
        if self._place is not None and self._place.alive:
            nft.remove(self._place, self.family, self.name)
        self._place = None

    def tell(self) -> Mapping[str, Any]:
        """How many packets each counter has seen."""
        if self._place is None:
            return {}
        return nft.counters(self._place, self.family, self.name)


def interfaces(place: Place, neighbours: Iterable[str]) -> str:
    """The set of a node's interfaces towards neighbours (nodes, LANs), as nft writes sets.

    Raises UsageError for what is no neighbour.
    """
    network, towards = place.network, dict[str, str]()
    for link in network.links:
        for here, there in ((link.a, link.b), (link.b, link.a)):
            if here.node == place.node:
                towards[there.node] = here.name
    for lan in network.lans:
        for port in lan.ports:
            if port.node == place.node:
                towards[lan.name] = port.name
    for name in neighbours:
        if name not in towards:
            hint = did_you_mean(name, towards) or f"; they are {', '.join(towards)}"
            raise UsageError(f"{name!r} is no neighbour of {place.node!r}{hint}")
    return "{ " + ", ".join(f'"{towards[name]}"' for name in neighbours) + " }"
