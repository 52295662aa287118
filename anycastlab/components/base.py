"""The seam of mechanisms: whatever a node runs is a component, one file each in this package.

A component says what options it takes and what it needs of the host; the lab starts it in a node
with a :class:`Place`, through which alone it reaches the node.
"""

from __future__ import annotations

import signal
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, TypeAlias

from pydantic import BaseModel, ConfigDict

from anycastlab.kernel.netlink import Netlink
from anycastlab.topology.network import Network

Socket: TypeAlias = socket.socket
Ready: TypeAlias = Callable[[Any], None]
"""Called with what can be read (or written) without waiting."""


class Watched(Protocol):
    """What a loop can watch: a socket, a tap, a TUN device."""

    def fileno(self) -> int:
        """The descriptor."""
        ...


Need: TypeAlias = Literal["ipv6", "on-link", "member"]
"""What a group may need: an IPv6 address, an address on a LAN of the node, the node as a member."""


class Mention(NamedTuple):
    """An option that names something in the topology, and what that has to be.

    A neighbour is a node at the other end of a link, or a LAN.
    """

    option: str
    name: str
    kind: Literal["group", "group or node", "neighbour"]
    needs: Need | None = None


class Options(BaseModel):
    """What a topology file may say of a component; by default nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def mentions(self) -> Iterable[Mention]:
        """Each name of something in the topology that the options have."""
        return ()

    def claims(self) -> Iterable[str] | None:
        """What no second component of a node may claim, as `TCP port 80`; None: its own kind."""
        return None


class Timer(Protocol):
    """A call that is due later."""

    def cancel(self) -> None:
        """Do not call."""
        ...


class Running(Protocol):
    """A real program that runs in the node, see Place.daemon."""

    @property
    def pid(self) -> int:
        """Its process number, in the lab's own PID namespace."""
        ...

    def last_words(self) -> str:
        """The last lines it printed, in one line."""
        ...


class Place(Protocol):
    """Where a component runs: a node, its sockets, the loop that watches them, what it may do."""

    @property
    def node(self) -> str:
        """The node's name."""
        ...

    @property
    def alive(self) -> bool:
        """Whether the node's namespace is still there; when it has gone, only sockets are left."""
        ...

    def socket(self, family: int, kind: int, protocol: int = 0) -> Socket:
        """Open a socket in the node's namespace."""
        ...

    def watch(
        self, watched: Watched, ready: Ready, writable: bool = False, readable: bool = True
    ) -> None:
        """Call *ready* whenever *watched* can be read, or also written; again to change that.

        At the end of what a peer says there is always something to read: its end.
        """
        ...

    def unwatch(self, watched: Watched) -> None:
        """Watch it no more."""
        ...

    @property
    def network(self) -> Network:
        """The whole network, as resolved from the file."""
        ...

    def netlink(self, groups: int = 0) -> Netlink:
        """Open a rtnetlink socket in the node's namespace."""
        ...

    def inside(self) -> AbstractContextManager[None]:
        """Run what is in the context in the node's namespace."""
        ...

    def after(self, seconds: float, call: Callable[[], None]) -> Timer:
        """Call *call* in so many seconds, unless the timer is cancelled."""
        ...

    def sysctl(self, values: Mapping[str, str]) -> None:
        """Write sysctls of the node, named below /proc/sys/net. Raises FeatureError."""
        ...

    def program(self, command: Sequence[str], package: str, given: str = "") -> str:
        """Run a short program in the node (as nft), *given* on its input; return what it printed.

        Everybody waits for it. Raises ProgramError: it is not there (then the message names the
        Debian *package*), takes too long, or fails.
        """
        ...

    def directory(self) -> Path:
        """The node's own directory, for files of its daemons; daemons start in it."""
        ...

    def daemon(self, command: Sequence[str], package: str) -> Running:
        """Start a real program in the node that runs on. Raises ProgramError."""
        ...

    def end_daemon(self, daemon: Any, how: signal.Signals = signal.SIGKILL) -> None:
        """End a program that was started here."""
        ...

    def spawn(
        self, name: str, command: Sequence[str], package: str, ended: Callable[[int], None]
    ) -> Running:
        """Start a short program that nobody waits for; *ended* is told how it ended.

        Below 0: by a signal. One called *name* that runs still is killed, and then tells nobody.
        Raises ProgramError.
        """
        ...

    def announced(self, group: str, member: str) -> bool:
        """Whether routes lead to a member."""
        ...

    def announce(self, group: str, member: str | None = None) -> bool:
        """Let routes lead to a member (this node if none is named).

        False if they do already, or if it was withdrawn by hand.
        """
        ...

    def withdraw(self, group: str, member: str | None = None) -> bool:
        """Let no route lead to a member (this node if none is named); False if none does."""
        ...

    def announcers(self, group: str) -> tuple[str, ...]:
        """The living members of a group that routes lead to."""
        ...


class Component(ABC):
    """Something a node runs. Starting and stopping never wait; sockets never block."""

    name: ClassVar[str]
    options: ClassVar[type[Options]] = Options
    requires: ClassVar[tuple[str, ...]] = ()
    """Features of the host by their names in `anycastlab doctor`."""
    serves: ClassVar[bool] = True
    """Whether it is an application that dies when all of a node's services are stopped."""
    forwards: ClassVar[bool] = False
    """Whether it acts on what its node forwards, and so has nothing to do but on a router."""

    @abstractmethod
    def start(self, place: Place, options: Options) -> None:
        """Begin to serve in *place*. Raises OSError or HostError when the host cannot do it."""

    @abstractmethod
    def stop(self) -> None:
        """Close everything; where the place is still alive, leave it as it was found."""

    def missing(self) -> str:
        """Say what it still waits for before the lab is ready; '' for nothing."""
        return ""

    def tell(self) -> Mapping[str, Any]:
        """What it holds now (a table, counters), as JSON; the verb ``show`` prints it."""
        return {}


class Joining(Component):
    """A component that makes its node a member: whoever withdraws the member tells it to leave."""

    @abstractmethod
    def join(self, group: str) -> None:
        """Have the routers know that the node is a member. Raises UsageError when it is one."""

    @abstractmethod
    def leave(self, group: str) -> None:
        """Have them know that it is none. Raises UsageError when it is none."""
