"""One pass: send every block, then listen until all is answered or the time is up."""

from __future__ import annotations

import resource
import select
import time
from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from typing import Protocol

from anycastlab.kernel.namespace import returning_home
from anycastlab.kernel.syscalls import CLONE_NEWNET, setns
from anycastlab.probing.burst import Burst
from anycastlab.probing.dialect import Dialect, source_of
from anycastlab.probing.echo import Echo
from anycastlab.probing.handshake import Handshake
from anycastlab.probing.ledger import REFUSED, Ledger
from anycastlab.probing.line import Mailbox
from anycastlab.probing.plan import Block, DatagramKind
from anycastlab.probing.request import Request
from anycastlab.probing.session import Session
from anycastlab.probing.taps import Taps
from anycastlab.topology.network import Address, Family, Network

_MOST_WAITING = 4096
_DIALECTS: Mapping[DatagramKind, Callable[[Family], Dialect]] = {
    "icmp": Echo,
    "syn": Handshake,
    "udp": Request,
}


class Conversation(Protocol):
    """Probes under way on sockets of their own."""

    started: float

    @property
    def settled(self) -> bool:
        """Whether nothing more is expected."""
        ...

    def filenos(self) -> list[int]:
        """The descriptors, for polling."""
        ...

    def collect(self) -> None:
        """Read what has come."""
        ...

    def check(self) -> None:
        """Raise LostPacketsError when something may have been lost on the way to Python."""
        ...

    def close(self) -> None:
        """Close the sockets."""
        ...


class Sweep:
    """Sends blocks and collects what comes of them into *ledger* and the taps' recordings.

    *namespaces* has the descriptors of those clients that live. A client's sockets live only as
    long as it waits for something: a socket kept in a namespace would keep a killed node half
    alive.
    """

    def __init__(
        self,
        network: Network,
        namespaces: Mapping[str, int],
        taps: Taps,
        ledger: Ledger,
        timeout: float,
        senders: int = 1,
    ) -> None:
        self._network, self._namespaces = network, namespaces
        self._taps, self._ledger, self._timeout = taps, ledger, timeout
        self._box = Mailbox()
        self._dialects: dict[tuple[DatagramKind, Family], Dialect] = {}
        self._waiting: dict[Conversation, None] = {}
        self._owner: dict[int, Conversation] = {}
        self._undrained, self._capacity = 0, max(1, taps.capacity // senders)
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        # a burst has up to three descriptors
        self._room = min(_MOST_WAITING, soft // 4) // senders
        self._watching = self._stopped = False

    def run(self, blocks: Iterable[Block], linger: float) -> None:
        """Send all blocks and wait; then listen *linger* seconds more, for late copies."""
        with select.epoll() as self._poll, returning_home():
            try:
                for _, group in groupby(blocks, lambda block: (block.client, block.family)):
                    if self._stopped:
                        return
                    self._start(list(group))
                self._listen(time.monotonic() + self._timeout, while_waiting=True)
                self._listen(time.monotonic() + linger, while_waiting=False)
                for conversation in self._waiting:
                    conversation.check()
            finally:
                for conversation in self._waiting:
                    conversation.close()

    def stop(self) -> None:
        """Have another thread's :meth:`run` return soon: nobody waits for its result."""
        self._stopped = True

    def _start(self, blocks: list[Block]) -> None:
        """Send the blocks of one client and family."""
        namespace = self._namespaces.get(blocks[0].client)
        if namespace is None:
            self._refuse(blocks)
            return
        setns(namespace, CLONE_NEWNET)
        family = blocks[0].family
        source = source_of(self._network, blocks[0].client, family)
        if datagrams := [block for block in blocks if block.kind != "tcp"]:
            self._burst(datagrams, source)
        for block in blocks:
            if block.kind == "tcp":
                for number, target in enumerate(block.targets, block.start):
                    self._hold(Session(family, source, number, target, self._ledger))
        self._undrained += sum(len(block.targets) for block in blocks)
        if self._undrained >= self._capacity:
            self._taps.drain()
            self._undrained = 0

    def _refuse(self, blocks: list[Block]) -> None:
        """Expect nothing of a dead client."""
        for block in blocks:
            for number in range(block.start, block.start + len(block.targets)):
                self._ledger.note(self._ledger.first + number, REFUSED)

    def _burst(self, blocks: list[Block], source: Address) -> None:
        family = blocks[0].family
        burst = Burst(
            blocks,
            source,
            lambda kind: self._dialect(kind, family),
            box=self._box,
            ledger=self._ledger,
        )
        try:
            burst.send()
        finally:
            self._hold(burst)

    def _dialect(self, kind: DatagramKind, family: Family) -> Dialect:
        if (kind, family) not in self._dialects:
            self._dialects[kind, family] = _DIALECTS[kind](family)
        return self._dialects[kind, family]

    def _hold(self, conversation: Conversation) -> None:
        """Let go of what is answered already (most are, on links without delay); poll the rest."""
        self._waiting[conversation] = None
        if conversation.settled:
            self._release(conversation)
            return
        for descriptor in conversation.filenos():
            self._owner[descriptor] = conversation
            self._poll.register(descriptor, select.EPOLLIN)
        while len(self._waiting) > self._room:
            oldest = next(iter(self._waiting))
            remaining = oldest.started + self._timeout - time.monotonic()
            if remaining > 0:
                self._once(remaining)
            else:
                self._release(oldest)

    def _release(self, conversation: Conversation) -> None:
        conversation.check()
        del self._waiting[conversation]
        for descriptor in conversation.filenos():
            self._owner.pop(descriptor, None)
        conversation.close()

    def _listen(self, deadline: float, *, while_waiting: bool) -> None:
        while self._waiting or not while_waiting:
            remaining = deadline - time.monotonic()
            if remaining <= 0 or self._stopped:
                return
            self._once(remaining)

    def _once(self, timeout: float) -> None:
        """Wait for something to read, and read it."""
        if not self._watching:  # not while sending: every packet would tell the poll of itself
            self._watching = True
            for descriptor in self._taps.filenos():
                self._poll.register(descriptor, select.EPOLLIN)
        ready = [descriptor for descriptor, _ in self._poll.poll(timeout)]
        conversations = {self._owner[one]: None for one in ready if one in self._owner}
        if len(conversations) < len(ready):
            self._taps.drain()
        for conversation in conversations:
            conversation.collect()
            if conversation.settled:
                self._release(conversation)
