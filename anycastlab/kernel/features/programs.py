"""Probes of programs, of rules that a program installs, and of this process' own limits."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import subprocess

from anycastlab.kernel.features.trial import UntriedError

_PLACES = (os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin", "/usr/lib/frr")
"""Ordinary users often lack the sbin directories; FRR's daemons are in nobody's PATH."""
BALANCING = """
    meta mark set numgen inc mod 3
    meta mark set jhash ip saddr . tcp sport mod 3
"""
_COMFORT = 1024
_OWN_USE = 64


def program(*names: str) -> str:
    """Find programs, and return where the first is; all must be there."""
    found = [_find(name) for name in names]
    return found[0]


def _find(name: str) -> str:
    path = shutil.which(name, path=os.pathsep.join(_PLACES))
    if path is None:
        raise FileNotFoundError(errno.ENOENT, f"no program {name}")
    return path


def nft_rules(rule: str) -> str:
    """Load a table with *rule* in its prerouting chain by the program nft.

    Raises UntriedError where there is no such program.
    """
    try:
        nft = _find("nft")
    except FileNotFoundError as error:
        raise UntriedError(error.errno, error.strerror) from None
    table = f"""
        table ip probe {{
            chain pre {{
                type filter hook prerouting priority raw
                {rule}
            }}
        }}
    """
    done = subprocess.run(
        [nft, "-f", "-"], input=table, text=True, capture_output=True, check=False
    )
    if done.returncode:
        raise OSError(done.stderr.partition("Error: ")[2].partition("\n")[0] or "nft failed")
    return ""


def descriptors() -> str:
    """Say how many nodes the limit on open files allows: the supervisor keeps one open for each."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    nodes = max(0, hard - _OWN_USE)
    if nodes < _COMFORT:
        raise OSError(errno.EMFILE, f"at most {nodes} nodes fit below the limit of {hard} files")
    return f"labs of up to {nodes} nodes"
