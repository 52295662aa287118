"""The control plane of BIRD 2: one `bird` in every speaker but those that run ExaBGP."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from anycastlab.lab.planes import exabgp
from anycastlab.lab.planes.bird_config import config
from anycastlab.lab.planes.bird_control import SOCKET, ask
from anycastlab.lab.planes.daemon import DaemonPlane
from anycastlab.lab.planes.exabgp import ExaBgp
from anycastlab.lab.planes.speakers import Speaker
from anycastlab.lab.processes import Daemon, find_program
from anycastlab.topology.routing_models import BgpOptions

_CONFIG = "bird.conf"


class BirdPlane(DaemonPlane):
    """BGP, OSPF, RIP or Babel by BIRD."""

    @cached_property
    def _program(self) -> str:
        return find_program("bird", "bird2")

    @cached_property
    def _exabgp(self) -> ExaBgp:
        return ExaBgp(self._world.network, self.processes)

    def prepare(self) -> None:
        """Raise ProgramError unless BIRD is installed, and ExaBGP where a member wants it."""
        assert self._program
        self._exabgp.prepare()

    def launch(self, speakers: Sequence[Speaker]) -> None:
        """Write each node's bird.conf and start BIRD; how it fares is seen by its routes."""
        command = (self._program, "-f", "-c", _CONFIG, "-s", SOCKET)
        for speaker in speakers:
            name = speaker.node.name
            if name in self._exabgp.nodes:
                assert isinstance(self._options, BgpOptions)
                self._exabgp.launch(speaker, self._world.namespaces[name], self._options)
                continue
            self._write(speaker)
            (self.processes.directory(name) / SOCKET).unlink(missing_ok=True)  # of one killed
            self.processes.start(name, self._world.namespaces[name], command)

    def socket(self, daemon: Daemon) -> Path:
        """The control socket; ExaBGP has none and is told by files."""
        name = exabgp.CONFIG if daemon.name == exabgp.NAME else SOCKET
        return self.processes.directory(daemon.node) / name

    def reconfigure(self, speaker: Speaker) -> None:
        """Have BIRD read its changed file; sessions that did not change stay up."""
        if speaker.node.name in self._exabgp.nodes:
            self._exabgp.switch(speaker)
            return
        self._write(speaker)
        ask(self.processes.directory(speaker.node.name), "configure")

    def _write(self, speaker: Speaker) -> None:
        directory = self.processes.directory(speaker.node.name)
        (directory / _CONFIG).write_text(config(speaker, self._options))
