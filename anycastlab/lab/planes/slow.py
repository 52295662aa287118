"""The lab's own control plane, converging as slowly as it is told to.

A fault is seen beside it after ``detect``, and one hop farther out each ``spread`` later. Until
then a node goes on by what it believes, so packets are lost in black holes and go round in loops,
as they do while a real protocol converges. All of it happens by timers in the supervisor's loop.
"""

from __future__ import annotations

import signal
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial

from anycastlab.lab.multipath import writers
from anycastlab.lab.planes.ahead import TablesAhead
from anycastlab.lab.planes.base import READY_WITHIN
from anycastlab.lab.planes.kernel import GONE
from anycastlab.lab.timers import Timer, Timers
from anycastlab.lab.world import World
from anycastlab.routing.changes import changed
from anycastlab.routing.forwarder import Forwarder
from anycastlab.routing.graph import Wiring
from anycastlab.routing.news import Flood, News, Part, after, difference, hear
from anycastlab.routing.state import INTACT, NetworkState
from anycastlab.routing.table import Prefix, Table
from anycastlab.topology.network import Interface, Link

_KEPT = 8
"""How many states are kept that some node believes in while others know better."""


class SlowPlane:
    """Writes every node's table, and after a fault what changed, when the node has heard of it.

    ``_state`` is how things are, ``_seen`` what has been detected of it by somebody, ``_heard``
    what has come to each node's ears, and ``_believed`` its table by that. A fault that is repaired
    before anybody sees it is never heard of. Who was dead is ``_deaf`` until somebody sees that it
    is back: then it hears everything.
    """

    ready_within = READY_WITHIN

    def __init__(self, world: World, timers: Timers) -> None:
        self._world, self._timers = world, timers
        self._routing = world.network.routing
        self._writers = writers(world.network)
        self._flood = Flood(Wiring(world.network))
        self._state = self._seen = INTACT
        self._unseen: dict[Part, Timer] = {}
        self._all: News = {}
        self._number = 0
        self._deaf: set[str] = set()
        self._heard: dict[str, News] = {name: {} for name in world.network.nodes}
        self._believed: dict[str, Table] = {}
        self._lives: Counter[str] = Counter()
        self._others: deque[tuple[NetworkState, Forwarder]] = deque(maxlen=_KEPT)

    @cached_property
    def _first(self) -> TablesAhead:
        return TablesAhead(self._world.network)

    @cached_property
    def _forwarder(self) -> Forwarder:
        return Forwarder(self._world.network)

    def prepare(self) -> None:
        """Begin to compute."""
        _ = self._first

    def install(self) -> None:
        """Write all tables of the network as written."""
        for name, table in self._first.get().items():
            self._believe(name, table)

    def settle(self) -> bool:
        """Keep the shortest paths at hand; that is all."""
        _ = self._forwarder
        return False

    # -- who hears what, and when -------------------------------------------------------------

    def reconverge(self, state: NetworkState) -> int:
        """Have what struck be seen in its time; what nodes do themselves they know at once."""
        before, self._state = self._state, state
        for name in state.dead - before.dead:
            self._lose(name)
        self._return(before, state)
        for part in difference(before, replace(before, dead=state.dead, cut=state.cut)):
            self._turn(part)
        self._spread(replace(self._seen, costs=state.costs, withdrawn=state.withdrawn))
        return 0

    def _turn(self, part: Part) -> None:
        """Have somebody see it later, or never, if all is as it was when they last looked."""
        if part not in self._unseen:
            see = partial(self._see, part)
            self._unseen[part] = self._timers.after(self._routing.detect, see)
            return
        self._unseen.pop(part).cancel()
        kind, name = part
        if kind == "dead" and name not in self._state.dead:  # nobody missed it, but it forgot all
            self._tell([str(name)], self._all, self._routing.detect)

    def _see(self, part: Part) -> None:
        """Have those beside a part of the network see how it is now."""
        del self._unseen[part]
        kind, name = part
        seen, is_so = getattr(self._seen, kind), name in getattr(self._state, kind)
        self._spread(replace(self._seen, **{kind: seen | {name} if is_so else seen - {name}}))

    def _spread(self, seen: NetworkState) -> None:
        """Let the news go outward, from hop to hop; who comes back hears all that is known."""
        changes, before = difference(self._seen, seen), self._seen
        if not changes:
            return
        self._number += 1
        news: News = {part: (self._number, value) for part, value in changes.items()}
        self._all |= news
        self._forwarder.update(seen)
        self._seen = seen
        hops, back = self._flood.hops(before, seen, self._state), before.dead - seen.dead
        farthest = max(hops.values(), default=0)
        rings: dict[int, list[str]] = {}
        for name in self._world.network.nodes.keys() - self._deaf:
            rings.setdefault(hops.get(name, farthest), []).append(name)
        for away, names in rings.items():
            self._tell(names, news, away * self._routing.spread)
        self._tell(back, self._all, 0)

    def _tell(self, names: Iterable[str], news: News, wait: float) -> None:
        """Have nodes hear of something after a time."""
        lives = {name: self._lives[name] for name in names}
        if wait:
            self._timers.after(wait, partial(self._hear, lives, news))
        else:
            self._hear(lives, news)

    def _hear(self, lives: Mapping[str, int], news: News) -> None:
        """Have nodes know of something, if they still have the life in which it was told."""
        for name, life in lives.items():
            if life == self._lives[name] and name in self._world.namespaces:
                self._deaf.discard(name)
                hear(self._heard[name], news)
                self._believe(name, self._table(name))

    def _table(self, name: str) -> Table:
        """Return a node's table by what it has heard."""
        state = after(self._heard[name])
        if state == self._seen:
            return self._forwarder.tables.get(name, {})
        for known, forwarder in self._others:
            if known == state:
                return forwarder.tables.get(name, {})
        self._others.append((state, Forwarder(self._world.network, state)))
        return self._others[-1][1].tables.get(name, {})

    def _lose(self, name: str) -> None:
        """Let what a node knew die with it; how a host is set up is on its disk."""
        self._lives[name] += 1
        self._heard[name] = {}
        self._deaf.add(name)
        if self._world.network.nodes[name].forwards:
            self._believed.pop(name, None)

    # -- what the kernel makes of it ----------------------------------------------------------

    def _believe(self, name: str, table: Table) -> None:
        """Write what is new to a node."""
        change = changed(self._believed.get(name, {}), table)
        if any(change):
            self._believed[name] = dict(table)
            self._write(name, change.put, change.removed)

    def _write(self, name: str, put: Table, removed: Sequence[Prefix]) -> None:
        """Write what a node believes, as far as its interfaces are there to carry it."""
        lost, writer = self._lost(name), self._writers[name]
        usable: Table = {}
        for prefix, hops in put.items():
            left = tuple(hop for hop in hops if hop.interface not in lost) if lost else hops
            if left:
                usable[prefix] = left
        nowhere = [prefix for prefix in put if prefix not in usable]
        batch = writer.put(usable) + writer.withdraw([*removed, *nowhere])
        self._world.send(name, batch, tolerate=GONE)

    def _lost(self, name: str) -> set[int]:
        return {
            end.index
            for link in self._world.network.links
            for end in (link.a, link.b)
            if end.node == name and not _carries(link, self._state)
        }

    def _return(self, before: NetworkState, now: NetworkState) -> None:
        """Write again what the kernel took away with links that are back: it is believed still.

        What a host believes is how it is set up.
        """
        for link in self._world.network.links:
            if _carries(link, now) and not _carries(link, before):
                for end in (link.a, link.b):
                    table = self._believed.get(end.node, {})
                    self._write(end.node, _over(table, end), [])

    # -- there are no daemons -----------------------------------------------------------------

    def daemons(self, name: str) -> Mapping[str, str]:
        """There are none."""
        return {}

    def stop_daemons(self, name: str, how: signal.Signals) -> None:
        """Nothing runs in the nodes."""

    def start_daemons(self, name: str) -> None:
        """Nothing runs in the nodes."""

    def wait(self, state: NetworkState, deadline: float) -> str:
        """Nothing has struck yet when a lab comes up, and all routes are written."""
        return ""


def _carries(link: Link, state: NetworkState) -> bool:
    dead = link.a.node in state.dead or link.b.node in state.dead
    return not dead and link.name not in state.cut


def _over(table: Table, end: Interface) -> Table:
    """Return the routes that lead over an interface."""
    return {
        prefix: hops
        for prefix, hops in table.items()
        if any(hop.interface == end.index for hop in hops)
    }
