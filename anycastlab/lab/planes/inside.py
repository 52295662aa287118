"""How `birdc` and `vtysh` find the daemons of a node without being told."""

from __future__ import annotations

from pathlib import Path

from anycastlab.lab.planes.bird_control import SOCKET
from anycastlab.lab.planes.frr_config import PLACE, RUN

_BIRDS_PLACE = Path("/run/bird")


def exec_mounts(rundir: Path, node: str) -> list[tuple[Path, Path]]:
    """What to bind where in the mount namespace of a command that runs in *node*.

    *rundir* is the lab's own directory. The places are those Debian's packages use; one that is
    missing has to be made.
    """
    own = rundir / "nodes" / node
    found = []
    if (own / SOCKET).exists():
        found.append((own, _BIRDS_PLACE))
    if (own / PLACE).exists():
        found.append((own / PLACE, Path(RUN)))
    return found
