"""Verbs that run something inside a node: exec, shell."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from anycastlab.cli.common import lab_and, split_lab
from anycastlab.errors import ProgramError, UsageError

if TYPE_CHECKING:
    from anycastlab.lab.handle import Lab


class _WithCommand(click.Command):
    """Keeps what follows `--` apart, untouched."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            at = args.index("--")
            ctx.meta["command"] = args[at + 1 :]
            args = args[:at]
        return super().parse_args(ctx, args)


@click.command(name="exec", cls=_WithCommand)
@lab_and("NODE", "--", "CMD...")
@click.pass_context
def execute(ctx: click.Context, names: tuple[str, ...]) -> int:
    """Run a command inside a node; its exit status is passed on."""
    command = ctx.meta.get("command")
    if not command:
        raise UsageError("say what to run after --: anycastlab exec LAB NODE -- ip route")
    lab, (node,) = split_lab(names, 1)
    return _run(lab, node, command)


@click.command()
@lab_and("NODE")
def shell(names: tuple[str, ...]) -> int:
    """Open a shell inside a node."""
    lab, (node,) = split_lab(names, 1)
    return _run(lab, node, [os.environ.get("SHELL") or "/bin/sh"])


def _run(name: str | None, node: str, command: list[str]) -> int:
    """Run *command* in the node's namespace and in the lab's PID namespace, so it ends with it."""
    from anycastlab.kernel.syscalls import CLONE_NEWPID, setns
    from anycastlab.lab.handle import Lab

    lab = Lab.find(name)
    namespace = lab.namespace(node)
    supervisor = lab.record.supervisor
    assert supervisor is not None
    place = f"/proc/{supervisor.pid}/ns"
    processes, mounts = (os.open(f"{place}/{kind}", os.O_RDONLY) for kind in ("pid", "mnt"))
    setns(processes, CLONE_NEWPID)  # holds for children
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        _become(lab, node, namespace, mounts, command)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the command decides what Ctrl-C means
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) % 256


def _become(lab: Lab, node: str, namespace: int, mounts: int, command: list[str]) -> NoReturn:
    from anycastlab.kernel import syscalls
    from anycastlab.lab.planes.inside import exec_mounts
    from anycastlab.lab.private_mounts import bind

    status = 126
    try:
        here = str(Path.cwd())
        syscalls.setns(namespace, syscalls.CLONE_NEWNET)
        syscalls.setns(mounts, syscalls.CLONE_NEWNS)  # a rootless lab has its own /run/netns
        os.chdir(here)
        syscalls.unshare(syscalls.CLONE_NEWNS)
        syscalls.mount("none", "/", "none", syscalls.MS_REC | syscalls.MS_SLAVE)
        _own_sys(f"{lab.name}.{node}")
        for source, target in exec_mounts(lab.directory, node):
            bind(source, target)
        os.execvp(command[0], command)
    except FileNotFoundError:
        click.echo(f"anycastlab: {ProgramError(f'no program {command[0]!r}')}", err=True)
        status = 127
    except OSError as error:
        click.echo(f"anycastlab: cannot run {command[0]!r}: {error}", err=True)
    finally:
        os._exit(status)


def _own_sys(label: str) -> None:
    """Show the node's own interfaces in /sys, as `ip netns exec` does."""
    from anycastlab.kernel import syscalls

    os.environ["ANYCASTLAB_NODE"] = label
    try:
        syscalls.umount("/sys")
        syscalls.mount("sysfs", "/sys", "sysfs", syscalls.MS_NOSUID | syscalls.MS_NODEV)
    except OSError:  # in a container the mounts may be locked; the host's /sys does no harm
        return


COMMANDS = {"exec": execute, "shell": shell}
