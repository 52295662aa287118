"""What the verbs share: how a lab is named, how JSON is printed, how progress is shown."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar

import click

from anycastlab.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")


def lab_and(*wanted: str) -> Callable[[F], F]:
    """An argument list LAB WANTED..., in which LAB may be left out; see :func:`split_lab`."""
    metavar = " ".join(("[LAB]", *wanted))
    return click.argument("names", nargs=-1, metavar=metavar)


def split_lab(names: tuple[str, ...], wanted: int) -> tuple[str | None, tuple[str, ...]]:
    """Split LAB off *names*, which hold *wanted* more. Raises UsageError for another number."""
    if len(names) == wanted + 1:
        return names[0], names[1:]
    if len(names) == wanted:
        return None, names
    context = click.get_current_context()
    raise UsageError(f"wrong number of names; {context.get_usage()}")


def print_json(document: Any) -> None:
    """Print one JSON document."""
    click.echo(json.dumps(document, indent=2))


def progress_line() -> Callable[[str, int, int], None]:
    """A callback that shows progress on stderr when it is a terminal, else does nothing."""
    if not sys.stderr.isatty():
        return lambda _phase, _done, _total: None
    began = time.monotonic()

    def show(phase: str, done: int, total: int) -> None:
        count = f" {done}/{total}" if done else ""
        text = f"{phase}{count} ({time.monotonic() - began:.1f} s)"
        click.echo(f"\r\x1b[K{text}", nl=False, err=True)
        if phase == "ready":
            click.echo("\r\x1b[K", nl=False, err=True)

    return show
