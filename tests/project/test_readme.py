"""The README's table of verbs is the table of verbs."""

from __future__ import annotations

import re

import click
from click.testing import CliRunner

from anycastlab.cli.main import cli

from .sources import ROOT


def verbs(text: str) -> set[str]:
    """Return the verbs of table rows such as ``| `kill` `revive LAB NODE` | … |``."""
    rows = (line for line in text.splitlines() if line.startswith("| `"))
    return {word for row in rows for word in re.findall(r"`([a-z-]+)[^`]*`", row.split(" | ")[0])}


def test_the_readme_lists_every_verb_and_no_other():
    known = set(cli.list_commands(click.Context(cli)))
    assert verbs((ROOT / "README.md").read_text(encoding="utf-8")) == known


def test_every_verb_says_what_it_does():
    context = click.Context(cli)
    for verb in cli.list_commands(context):
        command = cli.get_command(context, verb)
        assert command is not None and command.help, verb


def test_rows_are_read_and_other_tables_are_not():
    text = "| `up FILE` | x |\n| `kill` `revive LAB NODE` | y `z` |\n| name | `no` |\n"
    assert verbs(text) == {"up", "kill", "revive"}


def test_the_help_lists_every_verb_once_with_its_first_sentence_in_full():
    text = CliRunner().invoke(cli, ["--help"]).output.partition("Files")[2]
    listed = re.findall(r"^  ([a-z-]+)  +\S", text, re.MULTILINE)
    assert listed == cli.list_commands(click.Context(cli))
    assert "..." not in text
