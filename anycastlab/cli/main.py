"""The command `anycastlab`: finds the verb, runs it, turns errors into messages and statuses."""

from __future__ import annotations

import errno
import importlib
import os
import re
import signal
import sys
from typing import Any, NoReturn

import click

from anycastlab import __version__
from anycastlab.errors import AnycastlabError, HostError, TopologyError

_VERBS = {
    "check": "files",
    "predict": "files",
    "graph": "files",
    "schema": "files",
    "generate": "files",
    "doctor": "doctor",
    "up": "lifecycle",
    "down": "lifecycle",
    "list": "lifecycle",
    "status": "lifecycle",
    "exec": "inside",
    "shell": "inside",
    "show": "showing",
    "bindings": "showing",
    "routes": "routes",
    "neighbours": "neighbours",
    "probe": "probing",
    "catchment": "probing",
    "capture": "probing",
    "failover": "failover",
    "resolve": "resolving",
    "run": "run",
    "kill": "faults",
    "revive": "faults",
    "cut": "faults",
    "mend": "faults",
    "set-cost": "faults",
    "impair": "faults",
    "restore": "faults",
    "blackhole": "faults",
    "clear": "faults",
    "stop-service": "faults",
    "start-service": "faults",
    "stop-daemon": "faults",
    "start-daemon": "faults",
    "withdraw": "faults",
    "announce": "faults",
    "drain": "faults",
    "advertise": "faults",
    "flap": "faults",
}
"""Verb -> the module of this package that has it; imported when it is used."""

_FAMILIES = {
    "check": "Files (no privileges needed)",
    "doctor": "This host",
    "up": "A lab's life",
    "exec": "Inside a node",
    "probe": "Measuring",
    "kill": "Faults, each with its repair",
}
"""The first verb of each family -> the family's title."""


def _sentence(command: click.Command | None) -> str:
    """Return the first sentence of a verb's help, without its full stop."""
    first = ((command.help if command else None) or "").split("\n\n")[0]
    return re.split(r"\.\s|\.$", " ".join(first.split()), maxsplit=1)[0]


class _Verbs(click.Group):
    """A group that imports a verb's module only when the verb is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in _VERBS:
            return None
        module = importlib.import_module(f"anycastlab.cli.{_VERBS[name]}")
        command = module.COMMANDS[name]
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs by what they are for, each with its first sentence in full."""
        verbs = list(_VERBS)
        begins = [*map(verbs.index, _FAMILIES), len(verbs)]
        for title, first, end in zip(_FAMILIES.values(), begins, begins[1:], strict=False):
            commands = ((verb, self.get_command(ctx, verb)) for verb in verbs[first:end])
            rows = [(verb, _sentence(command)) for verb, command in commands]
            with formatter.section(title):
                formatter.write_dl(rows)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _VERBS and not args[0].startswith("-"):
            from anycastlab.errors import UsageError, did_you_mean

            raise UsageError(
                f"no verb {args[0]!r}{did_you_mean(args[0], _VERBS)}; see anycastlab --help"
            )
        return super().resolve_command(ctx, args)


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="anycastlab")
def cli() -> None:
    """A packet-level emulation lab for IP anycast.

    Write a network in YAML, bring it up in real Linux network namespaces, and know which instance
    of an anycast service received and answered every packet.
    """


def main() -> NoReturn:
    """Run the command line and exit with the status of the contract."""
    for ending in (signal.SIGTERM, signal.SIGHUP):  # a lab that is ours alone goes down then, too
        if signal.getsignal(ending) is signal.SIG_DFL:  # else somebody wants it ignored (nohup)
            signal.signal(ending, signal.default_int_handler)
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit status; messages go to stderr."""
    try:
        status: Any = cli.main(arguments, prog_name="anycastlab", standalone_mode=False)
        sys.stdout.flush()
    except TopologyError as error:
        _complain(str(error), prefix="")
        return error.exit_status
    except AnycastlabError as error:
        _complain(str(error))
        return error.exit_status
    except click.ClickException as error:
        error.show()
        return 2
    except (KeyboardInterrupt, click.Abort):
        _complain("interrupted")
        return 130
    except OSError as error:
        return _unwritten(error)
    return status if isinstance(status, int) else 0


def _unwritten(error: OSError) -> int:
    """Return the status of output that could not be written; any other error is raised again.

    When the reader of our output has gone there is nothing more to say, and no error.
    """
    if error.errno not in (errno.EPIPE, errno.ENOSPC, errno.EDQUOT):
        raise error
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is still to come
    if error.errno == errno.EPIPE:
        return 0
    _complain(f"cannot write the output: {error.strerror}")
    return HostError.exit_status


def _complain(message: str, prefix: str = "anycastlab: ") -> None:
    click.echo(f"{prefix}{message}", err=True)
