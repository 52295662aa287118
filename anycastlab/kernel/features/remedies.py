"""How to get what is missing, worked out on this very host."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

_SWITCHES = {
    "kernel/unprivileged_userns_clone": ("0", "1"),
    "kernel/apparmor_restrict_unprivileged_userns": ("1", "0"),
    "user/max_user_namespaces": ("0", "10000"),
    "user/max_net_namespaces": ("0", "10000"),
}
"""Sysctls that forbid user namespaces: the forbidding value, and one that allows them."""


def say(text: str) -> Callable[[], str]:
    """Return a remedy that is the same everywhere."""
    return lambda: text


def package(name: str) -> Callable[[], str]:
    """Return the remedy for a missing program: the Debian package that holds it."""
    return say(f"sudo apt install {name}")


def kernel(version: str, option: str) -> Callable[[], str]:
    """Return the remedy for a missing sysctl or option of the kernel proper."""
    return say(f"a Linux kernel of version {version} or newer with {option}")


def module(name: str) -> Callable[[], str]:
    """Return the remedy for a feature that stock kernels have as module *name*."""
    return partial(load_module, name)


def load_module(name: str, release: str | None = None, modules: Path = Path("/lib/modules")) -> str:
    """Say how kernel *release* (the running one if None) gets module *name*."""
    release = release or os.uname().release
    if _has_module(modules / release / "modules.dep", name):
        return f"sudo modprobe {name}"
    return f"boot a kernel with {name} (linux-image-amd64, or linux-modules-extra on Ubuntu)"


def _has_module(index: Path, name: str) -> bool:
    try:
        lines = index.read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        return False
    files = {Path(line.partition(":")[0]).name.partition(".")[0] for line in lines}
    return name.replace("-", "_") in {file.replace("-", "_") for file in files}


def allow_namespaces(proc: Path = Path("/proc"), root: bool | None = None) -> str:
    """Say what keeps this process from making namespaces, and what to do about it."""
    root = os.geteuid() == 0 if root is None else root
    forbidding = [
        f"sudo sysctl {switch.replace('/', '.')}={allowing}"
        for switch, (forbidden, allowing) in _SWITCHES.items()
        if _value(proc / "sys" / switch) == forbidden
    ]
    if forbidding:
        return " && ".join(forbidding)
    if _filtered(proc / "self/status"):
        return "leave the container's seccomp filter: run it with --privileged"
    if root:
        return "CAP_SYS_ADMIN is needed: use a virtual machine, or a container with --privileged"
    return "run as root (sudo)"


def _value(switch: Path) -> str:
    try:
        return switch.read_bytes().decode().strip()
    except FileNotFoundError:  # each distribution has its own switches
        return ""


def _filtered(status: Path) -> bool:
    return "Seccomp:\t2" in status.read_text(encoding="utf-8")
