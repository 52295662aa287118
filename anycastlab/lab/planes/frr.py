"""The control plane of FRR: zebra and a daemon for each protocol in every speaker.

FRR's daemons know fixed places (/run/frr, /var/tmp/frr) and become the user `frr` there, so each
node's have a view of the file system of their own, where the node's directory is /run/frr.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from anycastlab.errors import ProgramError
from anycastlab.kernel.arrival import wait_for_file
from anycastlab.lab import rootless
from anycastlab.lab.planes.daemon import STARTS_WITHIN, DaemonPlane
from anycastlab.lab.planes.frr_config import PLACE, RUN, changes, configs
from anycastlab.lab.planes.frr_control import configure
from anycastlab.lab.planes.speakers import Speaker
from anycastlab.lab.private_mounts import View
from anycastlab.lab.processes import Daemon, find_program

_OWNER = "frr"
_ZEBRAS_SOCKET = "zserv.api"
_USERS = {"passwd": "frr:x:0:0::/:/bin/false\n", "group": "frr:x:0:\nfrrvty:x:0:frr\n"}
"""In a user namespace of one user, that user has to be everybody."""


class FrrPlane(DaemonPlane):
    """BGP, OSPF or RIP by FRR."""

    @cached_property
    def _zebra(self) -> Path:
        return Path(find_program("zebra", "frr"))

    def prepare(self) -> None:
        """Raise ProgramError unless FRR is installed."""
        assert self._zebra

    def launch(self, speakers: Sequence[Speaker]) -> None:
        """Write the configurations and start the daemons: zebra first, which the others ask for.

        One that does not find zebra tries again only after ten seconds.
        """
        zebras = [self._begin(speaker) for speaker in speakers]
        deadline = time.monotonic() + STARTS_WITHIN
        for speaker, zebra in zip(speakers, zebras, strict=True):
            socket = self._place(speaker.node.name) / _ZEBRAS_SOCKET
            if not wait_for_file(socket, deadline, zebra.handle):
                mute = f"zebra in {zebra.node} does not begin to serve: {zebra.last_words()}"
                raise ProgramError(self.processes.ended() or mute)
            for daemon in list(configs(speaker, self._options))[1:]:
                self._start(speaker, daemon)

    def _begin(self, speaker: Speaker) -> Daemon:
        self._write(speaker)
        place = self._place(speaker.node.name)
        for stale in (place / _ZEBRAS_SOCKET, *place.glob("*.vty")):  # of daemons that were killed
            stale.unlink(missing_ok=True)
        return self._start(speaker, "zebra")

    def socket(self, daemon: Daemon) -> Path:
        """The daemon's own socket, which `vtysh` uses."""
        return self._place(daemon.node) / f"{daemon.name}.vty"

    def reconfigure(self, speaker: Speaker) -> None:
        """Tell the running daemons what is different, and write it down for the next start."""
        self._write(speaker)
        for daemon, lines in changes(speaker, self._options).items():
            configure(self._place(speaker.node.name), daemon, lines)

    def _place(self, node: str) -> Path:
        return self.processes.directory(node) / PLACE

    def _write(self, speaker: Speaker) -> None:
        place = self._place(speaker.node.name)
        place.mkdir(exist_ok=True)
        for name, text in configs(speaker, self._options).items():
            (place / f"{name}.conf").write_text(text)
        if rootless.needed():
            for name, text in _USERS.items():
                (place.parent / name).write_text(text)
        else:
            shutil.chown(place, _OWNER, _OWNER)

    def _start(self, speaker: Speaker, daemon: str) -> Daemon:
        name = speaker.node.name
        program = self._zebra.with_name(daemon)
        command = (str(program), "-A", "127.0.0.1", "-P", "0", "-f", f"{RUN}/{daemon}.conf")
        return self.processes.start(name, self._world.namespaces[name], command, _view())


def _view() -> View:
    bound = [(PLACE, RUN)]
    if rootless.needed():
        bound += [(name, f"/etc/{name}") for name in _USERS]
    return View(empty=("/run", "/var/tmp"), bound=tuple(bound))
