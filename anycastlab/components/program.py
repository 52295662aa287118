"""Any program as a service of a node: it starts with the lab and is killed with its node."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from anycastlab.components.base import Component, Options, Place, Running


def _words(value: object) -> object:
    """Read a command as a shell would split it; a shell itself is not asked."""
    return shlex.split(value) if isinstance(value, str) else value


class ProgramOptions(Options):
    """What runs."""

    command: Annotated[list[str], BeforeValidator(_words), Field(min_length=1)] = Field(
        description="The program with its arguments: a line, or [program, argument, ...]."
    )
    package: str = Field("", description="The Debian package that has it, for the message.")

    def claims(self) -> Iterable[str]:
        """Nothing: a node may run many."""
        return ()


class Program(Component):
    """Runs an unmodified program, as iperf3 or nsd, in the node's own directory."""

    name: ClassVar[str] = "program"
    options: ClassVar[type[Options]] = ProgramOptions

    def __init__(self) -> None:
        self._place: Place | None = None
        self._running: Running | None = None

    def start(self, place: Place, options: Options) -> None:
        """Start it. Raises ProgramError when it is not installed."""
        assert isinstance(options, ProgramOptions)
        package = options.package or options.command[0]
        self._place, self._running = place, place.daemon(options.command, package)

    def stop(self) -> None:
        """Kill it."""
        if self._place is not None and self._running is not None:
            self._place.end_daemon(self._running)
        self._place = self._running = None

    def tell(self) -> Mapping[str, Any]:
        """Its process, and what it printed last."""
        if self._running is None:
            return {}
        return {"pid": self._running.pid, "last_words": self._running.last_words()}
