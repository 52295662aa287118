"""The prober: which instance received and answered each probe, for one client or for all."""

from __future__ import annotations

import gc
import random
import resource
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from types import TracebackType
from typing import TypeVar

from anycastlab.errors import UsageError, did_you_mean
from anycastlab.probing import crew
from anycastlab.probing.ledger import Ledger
from anycastlab.probing.match import observe
from anycastlab.probing.nodes import Nodes
from anycastlab.probing.observation import Observation
from anycastlab.probing.plan import Block, Kind, Target, targets
from anycastlab.probing.sweep import Sweep
from anycastlab.probing.taps import Taps
from anycastlab.routing.followed import families_agree
from anycastlab.topology.network import Family, Group, Network

_IDS = 1 << 32
_TCP: frozenset[Kind] = frozenset({"tcp", "syn"})

T = TypeVar("T")
Aims = Mapping[Kind, Sequence[Target]]
Predicted = Mapping[tuple[str, str], tuple[str, ...]]


class Prober:
    """Probes a running lab; a context manager, as it holds one tap in every member.

    It raises the process's soft limit of open files to the hard one: a large map whose answers take
    their time has thousands of sockets waiting.
    """

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self._taps = Taps(nodes)
        self._next = random.getrandbits(31)

    def __enter__(self) -> Prober:
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self._taps.begin()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._taps.close()

    def probe(
        self,
        client: str,
        group: str,
        protocol: Kind = "icmp",
        family: Family | None = None,
        count: int = 1,
        timeout: float = 1.0,
        linger: float = 0.0,
    ) -> list[Observation]:
        """Send *count* probes to each service address of a group (of one family, or of all).

        Returns when all are answered or refused, at the latest *timeout* seconds after the last was
        sent, plus *linger* seconds in which to see late copies. Raises UsageError for an unknown
        name or a group without that family, LostPacketsError when the host could not keep up.
        """
        families: tuple[Family, ...] = (family,) if family else (4, 6)
        wanted = self._groups([group])
        if not any(targets(wanted, one) for one in families):
            raise UsageError(f"group {group!r} has no IPv{family} address")
        return self._pass([client], wanted * count, families, [protocol], timeout, linger)

    def catchment(
        self,
        clients: Iterable[str] | None = None,
        groups: Iterable[str] | None = None,
        families: Sequence[Family] = (4, 6),
        protocols: Sequence[Kind] = ("icmp", "tcp", "udp"),
        timeout: float = 1.0,
        linger: float = 0.0,
    ) -> list[Observation]:
        """Probe every service address from every client by every protocol, in one pass.

        Without *clients* or *groups*, all there are. Ends and raises as :meth:`probe` does.
        """
        network = self._nodes.network
        senders = network.role("client") if clients is None else list(clients)
        wanted = self._groups(network.groups if groups is None else groups)
        return self._pass(senders, wanted, families, protocols, timeout, linger)

    def _pass(
        self,
        clients: Sequence[str],
        groups: Sequence[Group],
        families: Sequence[Family],
        protocols: Sequence[Kind],
        timeout: float,
        linger: float,
    ) -> list[Observation]:
        self._check_clients(clients)
        network, taps = self._nodes.network, self._taps
        with _no_garbage_collection():
            predicted = self._predicted(families)
            blocks = list(_blocks(clients, groups, families, protocols))
            ledger = self._ledger(sum(len(block.targets) for block in blocks))
            taps.begin()
            homes = self._nodes.namespaces(clients)
            crew.run(partial(Sweep, network, homes, taps, ledger, timeout), blocks, linger)
            return observe(blocks, ledger, taps.end(), predicted)

    def _predicted(self, families: Sequence[Family]) -> Mapping[Family, Predicted]:
        """Predict each family by itself, where that makes a difference."""
        if families_agree(self._nodes.network):
            return dict.fromkeys(families, self._nodes.predict())
        return {family: self._nodes.predict(family) for family in families}

    def _ledger(self, count: int) -> Ledger:
        """Number the probes of a pass: no id is used twice, so a late reply is never mistaken."""
        if self._next + count > _IDS:
            self._next = 0
        first, self._next = self._next, self._next + count
        formal = any(group.formal for group in self._nodes.network.groups.values())
        return Ledger(first, count, sources=formal)

    def _groups(self, names: Iterable[str]) -> list[Group]:
        known = self._nodes.network.groups
        return [_known("group", name, known) for name in names]

    def _check_clients(self, names: Iterable[str]) -> None:
        for name in names:
            check_client(self._nodes.network, name)


def check_client(network: Network, name: str) -> None:
    """Raise UsageError unless *name* is a client."""
    role = _known("node", name, network.nodes).role
    if role != "client":
        raise UsageError(f"{name!r} is a {role}, not a client")


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """A pass makes many small objects and no cycles: looking for some takes a tenth of its time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _known(what: str, name: str, known: Mapping[str, T]) -> T:
    if name not in known:
        raise UsageError(f"no {what} {name!r}{did_you_mean(name, known)}")
    return known[name]


def _blocks(
    clients: Iterable[str],
    groups: Sequence[Group],
    families: Sequence[Family],
    protocols: Sequence[Kind],
) -> Iterable[Block]:
    """Cut a pass into blocks, the families' targets prepared once."""
    aims = {family: _aims(groups, family, protocols) for family in families}
    start = 0
    for client in clients:
        for family in families:
            for kind in protocols:
                if addresses := aims[family][kind]:
                    yield Block(client, family, kind, addresses, start)
                    start += len(addresses)


def _aims(groups: Sequence[Group], family: Family, protocols: Sequence[Kind]) -> Aims:
    """Return the targets of each protocol: the formal ones take TCP only where all is TCP.

    The kernel drops it silently, so a pass would wait for an answer that is not expected.
    """
    every = targets(groups, family)
    if _TCP.issuperset(protocols) or not any(target.formal for target in every):
        return dict.fromkeys(protocols, every)
    unicast = [target for target in every if not target.formal]
    return {kind: unicast if kind in _TCP else every for kind in protocols}
