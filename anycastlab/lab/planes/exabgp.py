"""ExaBGP in members that `announce: exabgp`: it speaks BGP there in the place of BIRD."""

from __future__ import annotations

import sys
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

from anycastlab.errors import ProgramError
from anycastlab.lab.planes import exabgp_config as text
from anycastlab.lab.planes.speakers import Speaker
from anycastlab.lab.processes import Processes, find_program
from anycastlab.topology.network import EXABGP, Group, Network
from anycastlab.topology.routing_models import BgpOptions

NAME = EXABGP
CONFIG = "exabgp.conf"
_ENVIRONMENT = "exabgp.env"


class ExaBgp:
    """Starts ExaBGP with its own health checks, and tells it of what is done by hand."""

    def __init__(self, network: Network, processes: Processes) -> None:
        self._processes = processes
        self._groups: dict[str, list[Group]] = {}
        for group in network.groups.values():
            for member in group.members:
                if member.announce == NAME:
                    self._groups.setdefault(member.node, []).append(group)

    @property
    def nodes(self) -> frozenset[str]:
        """Where it runs."""
        return frozenset(self._groups)

    @cached_property
    def _with_its_parent(self) -> str:
        """So that no health check outlives an ExaBGP that is killed."""
        return f"{find_program('setpriv', 'util-linux')} --pdeathsig KILL"

    @cached_property
    def _packages(self) -> Path:
        """Where the Python package is: this Python may find it where a plain one would not."""
        found = find_spec(NAME)
        if found is None or found.origin is None:
            raise ProgramError(
                f"ExaBGP is not installed beside this Python ({sys.executable})",
                "pip install 'anycastlab[exabgp]'",
            )
        return Path(found.origin).parents[1]

    def prepare(self) -> None:
        """Raise ProgramError when it is wanted and not installed."""
        if self._groups:
            assert self._with_its_parent and self._packages

    def launch(self, speaker: Speaker, held: int, options: BgpOptions) -> None:
        """Write its files and start it in the namespace *held*; how it fares is seen by routes."""
        name = speaker.node.name
        place, groups = self._processes.directory(name), tuple(self._groups[name])
        python = f"{sys.executable} -P -m exabgp"
        check = f"{self._with_its_parent} {python} healthcheck"
        (place / _ENVIRONMENT).write_text(text.ENVIRONMENT)
        (place / CONFIG).write_text(text.config(speaker, groups, options, check, str(place)))
        for group in groups:
            checks = text.check_options(speaker, group, str(place))
            (place / text.options_file(group)).write_text(checks)
        self.switch(speaker)
        command = [find_program("env", "coreutils"), f"PYTHONPATH={self._packages}"]
        command += [*python.split(), "--env-file", str(place / _ENVIRONMENT), "server", CONFIG]
        self._processes.start(name, held, command, name=NAME)

    def switch(self, speaker: Speaker) -> None:
        """Have the health checks withdraw who has withdrawn; they look at their next check."""
        place = self._processes.directory(speaker.node.name)
        for group in self._groups[speaker.node.name]:
            switch = place / text.switch_file(group)
            if group.addresses[0] in speaker.withdrawn:
                switch.touch()
            else:
                switch.unlink(missing_ok=True)
