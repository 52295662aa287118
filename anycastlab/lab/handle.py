"""A lab as its users hold it: the CLI, experiments, tests and notebooks."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any

from anycastlab.errors import UsageError
from anycastlab.kernel import namespace
from anycastlab.kernel.process import in_other_namespaces
from anycastlab.lab import rootless
from anycastlab.lab.channel import Channel
from anycastlab.lab.faults import find_node
from anycastlab.lab.record import LabDirectory, Record, find_record
from anycastlab.lab.teardown import take_down, wait_cleaned
from anycastlab.lab.ways import Way
from anycastlab.routing.metrics import predict_as_seen
from anycastlab.routing.state import NetworkState
from anycastlab.topology.names import name_problem
from anycastlab.topology.network import Family, Network

Progress = Callable[[str, int, int], None]
Autopsy = Callable[[Path], object]


def _silent(_phase: str, _done: int, _total: int) -> None:
    """Show no progress."""


def _forget(_directory: Path) -> None:
    """Look at nothing."""


class Lab:
    """A running lab. Leaving it as a context takes it down.

        with Lab.up("topologies/figure1.yaml") as lab:
            lab.kill("s1")

    One thread at a time.
    """

    def __init__(self, record: Record, network: Network) -> None:
        self.name = record.name
        self.network = network
        self.record = record
        self._place = LabDirectory(record.name)
        self.directory = self._place.path
        self._namespaces: dict[str, int] = {}
        self._last_death = self._place.last_death()
        self.when_revived: list[Callable[[str], object]] = []
        assert record.supervisor is not None
        self._channel = Channel(self._place.control)
        rootless.enter(record.supervisor)

    @classmethod
    def up(cls, path: str | Path, name: str | None = None, progress: Progress = _silent) -> Lab:
        """Bring the topology file *path* up, under another *name* if one is given.

        Raises TopologyError, LabExistsError, HostError, InterruptedLabError; after any of them
        nothing is left behind.
        """
        from anycastlab.topology.load import load

        return cls.launch(load(path).network, path, name, progress)

    @classmethod
    def launch(
        cls,
        network: Network,
        path: str | Path,
        name: str | None = None,
        progress: Progress = _silent,
        autopsy: Autopsy = _forget,
    ) -> Lab:
        """Bring up a network that has been loaded from *path* already.

        *autopsy* sees the directory of a lab that does not come up before it is removed.
        """
        from anycastlab.lab.launch import launch

        if name is not None:
            if problem := name_problem("lab", name):
                raise UsageError(problem)
            network = replace(network, name=name)
        text = Path(path).read_bytes()
        record = launch(network, str(path), text, progress, autopsy)
        return cls(record, network)

    @classmethod
    def find(cls, name: str | None = None) -> Lab:
        """Attach to a lab that is up: by name, or the only one. Raises NoSuchLabError."""
        from anycastlab.topology.load import load

        record = find_record(name)
        directory = LabDirectory(record.name)
        network = replace(load(directory.topology).network, name=record.name)
        return cls(record, network)

    def __enter__(self) -> Lab:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.down()

    def close(self) -> None:
        """Let go of the lab, which stays up."""
        self.forget()
        self._channel.close()

    def down(self, wait: bool = False) -> None:
        """Take the lab down; with *wait*, return when the kernel has freed everything."""
        self.close()
        take_down(self.name, self.record)
        if wait:
            wait_cleaned()

    # -- what is going on ---------------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        """Nodes with role, life and services, and all that has happened to the lab."""
        return dict(self._channel.call("status"))

    def state(self) -> NetworkState:
        """What has happened to the network since it came up."""
        answer = self._channel.call("state")
        costs = {(a, b): cost for a, b, cost in answer["costs"]}
        return NetworkState(
            frozenset(answer["dead"]),
            frozenset(answer["cut"]),
            MappingProxyType(costs),
            frozenset((group, node) for group, node in answer["withdrawn"]),
            frozenset(answer["mute"]),
        )

    def troubles(self) -> list[str]:
        """What has gone wrong in the lab itself: a daemon or the wires ended by themselves."""
        return list(self._channel.call("troubles"))

    def predict(self, family: Family | None = None) -> Mapping[tuple[str, str], tuple[str, ...]]:
        """The predicted catchment as things stand: (client, group) -> equally near instances."""
        return predict_as_seen(self.network, self.state(), family)

    # -- inside the nodes ---------------------------------------------------------------------

    def namespace(self, node: str) -> int:
        """A descriptor of a node's namespace, kept by this object until the node dies."""
        self.hold([node])
        return self._namespaces[node]

    def hold(self, nodes: list[str]) -> None:
        """Fetch the descriptors of many nodes at once. Raises UsageError for a dead node."""
        living = self.namespaces(nodes)
        for node in nodes:
            if node not in living:
                raise UsageError(f"node {node!r} is dead")

    def namespaces(self, nodes: Iterable[str]) -> Mapping[str, int]:
        """Fetch the descriptors of those *nodes* that are alive; this object keeps them."""
        self._forget_the_dead()
        missing = [node for node in nodes if node not in self._namespaces]
        if missing:
            self._namespaces.update(self._channel.descriptors(missing))
        return MappingProxyType(self._namespaces)

    def _forget_the_dead(self) -> None:
        """Let go of namespaces that are no more, whoever killed their nodes."""
        last_death = self._place.last_death()
        if last_death != self._last_death:
            self._last_death = last_death
            living = frozenset(self.status()["inodes"])
            for node, descriptor in list(self._namespaces.items()):
                if namespace.inode(descriptor) not in living:
                    self.forget(node)

    def socket(self, node: str, family: int, kind: int, protocol: int = 0) -> socket.socket:
        """Open a socket inside a node's namespace."""
        return namespace.open_socket(self.namespace(node), family, kind, protocol)

    @contextmanager
    def inside(self, node: str) -> Iterator[None]:
        """Run the calling thread in a node's namespace."""
        with namespace.inside(self.namespace(node)):
            yield

    def forget(self, node: str | None = None) -> None:
        """Close the descriptors this object holds, of one node or of all."""
        for name in [node] if node is not None else list(self._namespaces):
            descriptor = self._namespaces.pop(name, None)
            if descriptor is not None:
                os.close(descriptor)

    # -- faults -------------------------------------------------------------------------------

    def kill(self, node: str) -> None:
        """Destroy a node: its links, routes, services, processes; its namespace goes."""
        self.forget(find_node(self.network, node))
        inode = self._channel.call("kill", node=node)
        for process in in_other_namespaces().get(inode, []):
            process.kill()

    def revive(self, node: str) -> int:
        """Make a dead node again; return how many routes changed.

        Whoever is in ``when_revived`` is told its name.
        """
        changed = int(self._channel.call("revive", node=node))
        for told in self.when_revived:
            told(node)
        return changed

    def cut(self, a: str, b: str) -> int:
        """Take the carrier from a link; return how many routes changed."""
        return int(self._channel.call("cut", a=a, b=b))

    def mend(self, a: str, b: str) -> int:
        """Give a cut link its carrier back; return how many routes changed."""
        return int(self._channel.call("mend", a=a, b=b))

    def set_cost(self, a: str, b: str, there: int, back: int | None = None) -> int:
        """Change a link's cost, one for both ways or each way; return how many routes changed."""
        back = there if back is None else back
        return int(self._channel.call("set-cost", a=a, b=b, there=there, back=back))

    def withdraw(self, node: str, group: str | None = None) -> int:
        """Let no route lead to a member (of one group, or all); return how many routes changed."""
        return int(self._channel.call("withdraw", node=node, group=group))

    def announce(self, node: str, group: str | None = None) -> int:
        """Let routes lead to a member again; return how many routes changed."""
        return int(self._channel.call("announce", node=node, group=group))

    def stop_daemon(self, node: str, how: str = "TERM") -> int:
        """Stop a node's routing daemon by TERM or KILL; return how many routes the lab changed."""
        return int(self._channel.call("stop-daemon", node=node, how=how))

    def start_daemon(self, node: str) -> int:
        """Start a node's routing daemon again; return how many routes the lab changed."""
        return int(self._channel.call("start-daemon", node=node))

    def stop_service(self, node: str, service: str | None = None) -> None:
        """End one service of a node, or all; its routes stay."""
        self._channel.call("stop-service", node=node, service=service)

    def start_service(self, node: str, service: str | None = None) -> None:
        """Start what was stopped."""
        self._channel.call("start-service", node=node, service=service)

    def show(self, node: str, component: str | None = None) -> dict[str, Any]:
        """What the components of a node hold now (their tables and counters), by their names.

        Raises UsageError for an unknown or dead node, or a component that does not run there.
        """
        return dict(self._channel.call("tell", node=node, service=component))

    def impair(self, a: str, b: str, **changes: float | int | None) -> None:
        """Have a link do what is written of it, but for *changes*; without any, just that.

        They are fields of :class:`anycastlab.topology.network.Impairment`. Raises FeatureError
        where the kernel has no netem and the link was not built to be impaired.
        """
        self._channel.call("impair", a=a, b=b, changes=changes)

    def blackhole(self, a: str, b: str | None = None, way: Way = "both") -> None:
        """Let packets vanish, with the carrier up: on a link, or around a node."""
        self._channel.call("blackhole", a=a, b=b, way=way)

    def clear(self, a: str, b: str | None = None) -> None:
        """Let packets through again."""
        self._channel.call("clear", a=a, b=b)
