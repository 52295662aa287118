"""The seam of mechanisms: whatever a node runs is a component, one file each in this package.

A component says what options it takes and what it needs of the host; the lab starts it in a node
with a :class:`Place`, through which alone it reaches the node.
"""

from __future__ import annotations

import socket
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, Protocol, TypeAlias

from pydantic import BaseModel, ConfigDict

Socket: TypeAlias = socket.socket
Ready: TypeAlias = Callable[[Socket], None]
"""Called with a socket that can be read (or written) without waiting."""


class Options(BaseModel):
    """What a topology file may say of a component; by default nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Place(Protocol):
    """Where a component runs: a node, its sockets, and the loop that watches them."""

    @property
    def node(self) -> str:
        """The node's name."""
        ...

    def socket(self, family: int, kind: int, protocol: int = 0) -> Socket:
        """Open a socket in the node's namespace."""
        ...

    def watch(self, watched: Socket, ready: Ready, writable: bool = False) -> None:
        """Call *ready* whenever *watched* can be read, or also written; again to change that."""
        ...

    def unwatch(self, watched: Socket) -> None:
        """Watch it no more."""
        ...


class Component(ABC):
    """Something a node runs. Starting and stopping never wait; sockets never block."""

    name: ClassVar[str]
    options: ClassVar[type[Options]] = Options
    requires: ClassVar[tuple[str, ...]] = ()
    """Features of the host by their names in `anycastlab doctor`."""

    @abstractmethod
    def start(self, place: Place, options: Options) -> None:
        """Begin to serve in *place*. Raises OSError or HostError when the host cannot do it."""

    @abstractmethod
    def stop(self) -> None:
        """Close everything."""
