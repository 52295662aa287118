"""Sysctls of network namespaces, written fast and set explicitly."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from anycastlab.kernel.syscalls import private_procfs

_RENEW_EVERY = 32
"""A procfs is replaced after so many namespaces: its cache makes later ones slower."""


class SysctlWriter:
    """Write sysctls in the namespace the calling thread is in.

    A fresh namespace takes some values from the host, others from the kernel. *wanted* is compared
    once with a fresh namespace, and only what differs is written from then on: the outcome is the
    same as writing all of it everywhere.
    """

    def __init__(self) -> None:
        self._procfs = -1
        self._uses = 0
        self._fresh: dict[str, str | None] = {}

    def close(self) -> None:
        """Let the procfs go."""
        if self._procfs >= 0:
            os.close(self._procfs)
            self._procfs = -1

    def learn(self, names: Iterable[str]) -> None:
        """Read *names* in a namespace just made, to know what need not be written."""
        for name in names:
            self._fresh[name] = self.read(name)

    def missing(self) -> tuple[str, ...]:
        """The learnt names that this kernel does not have."""
        return tuple(name for name, value in self._fresh.items() if value is None)

    def needed(self, wanted: Mapping[str, str]) -> dict[str, str]:
        """What of *wanted* differs from a fresh namespace; names the kernel lacks are left out."""
        fresh = self._fresh
        return {
            name: value
            for name, value in wanted.items()
            if (known := fresh.get(name, "")) is not None and known != value
        }

    def write(self, wanted: Mapping[str, str]) -> None:
        """Write what is needed of *wanted*, in its order."""
        directory = self._directory()
        for name, value in self.needed(wanted).items():
            _write(directory, name, value)

    def read(self, name: str) -> str | None:
        """Read one value, None where the kernel has no such sysctl."""
        try:
            file = os.open(f"sys/net/{name}", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._directory())
        except FileNotFoundError:
            return None
        try:
            return os.read(file, 256).decode().strip()
        finally:
            os.close(file)

    def renew(self) -> None:
        """Count one more namespace, and take a new procfs when the old one has grown slow."""
        self._uses += 1
        if self._uses % _RENEW_EVERY == 0:
            self.close()

    def _directory(self) -> int:
        if self._procfs < 0:
            self._procfs = _procfs()
        return self._procfs


def _procfs() -> int:
    try:
        return private_procfs()
    except OSError:  # containers may forbid it; the mounted one is slower, no less right
        return os.open("/proc", os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)


def _write(directory: int, name: str, value: str) -> None:
    file = os.open(f"sys/net/{name}", os.O_WRONLY | os.O_CLOEXEC, dir_fd=directory)
    try:
        os.write(file, value.encode())
    finally:
        os.close(file)
