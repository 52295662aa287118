"""Network namespaces, each held by one descriptor."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from anycastlab.kernel.syscalls import CLONE_NEWNET, setns, unshare

_OWN = "/proc/thread-self/ns/net"


def own() -> int:
    """Open the namespace the calling thread is in."""
    return os.open(_OWN, os.O_RDONLY | os.O_CLOEXEC)


def create() -> int:
    """Make a namespace, leave the calling thread in it, and return its descriptor.

    Callers that make many return home once, at the end (:func:`returning_home`).
    """
    unshare(CLONE_NEWNET)
    return own()


@contextmanager
def returning_home() -> Iterator[None]:
    """Bring the calling thread back to the namespace it was in."""
    home = own()
    try:
        yield
    finally:
        setns(home, CLONE_NEWNET)
        os.close(home)


@contextmanager
def inside(namespace: int) -> Iterator[None]:
    """Run the calling thread in *namespace*."""
    with returning_home():
        setns(namespace, CLONE_NEWNET)
        yield


def open_socket(namespace: int, family: int, kind: int, protocol: int = 0) -> socket.socket:
    """Open a socket inside *namespace*; it stays there wherever its owner runs."""
    with inside(namespace):
        return socket.socket(family, kind | socket.SOCK_CLOEXEC, protocol)


def inode(namespace: int) -> int:
    """Return the number by which /proc tells namespaces apart."""
    return os.fstat(namespace).st_ino
