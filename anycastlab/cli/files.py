"""Verbs that need no privileges: check, predict, graph, schema, generate."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from anycastlab.cli.common import json_option, print_json
from anycastlab.errors import UsageError

if TYPE_CHECKING:
    from anycastlab.topology.network import Network


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@json_option
def check(files: tuple[str, ...], as_json: bool) -> int:
    """Check topology files: every mistake, as FILE:LINE:COLUMN: message."""
    from anycastlab.errors import TopologyError
    from anycastlab.experiments.load import load_all

    if not as_json:
        for document in load_all(files):
            network = document.network
            counts = f"{len(network.nodes)} nodes, {len(network.links)} links"
            click.echo(f"{document.path}: ok ({counts}, {len(network.groups)} groups)")
        return 0
    problems: list[dict[str, Any]] = []
    try:
        load_all(files)
    except TopologyError as error:
        problems = [
            {"file": p.file, "line": p.line, "column": p.column, "message": p.message}
            for p in error.problems
        ]
    print_json(problems)
    return 2 if problems else 0


@click.command()
@click.argument("file")
@click.option("--tables", is_flag=True, help="Show every node's forwarding table too.")
@json_option
def predict(file: str, tables: bool, as_json: bool) -> None:
    """Predict the catchment of FILE: which instances are nearest to each client."""
    from anycastlab.experiments.load import load_checked
    from anycastlab.report import prediction
    from anycastlab.routing.catchment import distances
    from anycastlab.routing.catchment import predict as predicted

    network = load_checked(file).network
    rows = prediction.rows(network, predicted(network), distances(network))
    if as_json:
        document: dict[str, Any] = {"catchment": rows}
        if tables:
            document["tables"] = prediction.tables(network)
        print_json(document if tables else rows)
        return
    click.echo(prediction.text(rows), nl=False)
    if tables:
        click.echo(prediction.tables_text(network), nl=False)


@click.command()
@click.argument("file")
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="Write here, not to stdout.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["svg", "png", "dot", "mermaid"]),
    help="Default: by the output's ending, else dot.",
)
@click.option("--group", help="Colour clients by this group's catchment; default: the first.")
def graph(file: str, output: str | None, kind: str | None, group: str | None) -> None:
    """Draw FILE's network, clients coloured by predicted catchment."""
    from anycastlab.experiments.load import load_checked
    from anycastlab.report.graph import render

    network = load_checked(file).network
    _want_group(network, group)
    kind = kind or _ending(output)
    if kind == "png" and output is None and sys.stdout.isatty():
        raise UsageError("a picture is no text for a terminal; give -o FILE.png")
    picture = render(network, kind, group=group)
    if output is None:
        sys.stdout.buffer.write(picture)
        return
    try:
        Path(output).write_bytes(picture)
    except OSError as error:
        raise UsageError(f"cannot write {output}: {error.strerror}") from None


def _want_group(network: Network, group: str | None) -> None:
    from anycastlab.errors import did_you_mean

    if group is not None and group not in network.groups:
        hint = did_you_mean(group, network.groups)
        raise UsageError(f"no group {group!r} in this topology{hint}")


def _ending(output: str | None) -> str:
    ending = Path(output).suffix.lstrip(".") if output else ""
    known = {"": "dot", "dot": "dot", "gv": "dot", "svg": "svg", "png": "png"}
    known |= {"mmd": "mermaid", "md": "mermaid"}
    if ending not in known:
        raise UsageError(
            f"cannot tell a format by {output!r}: end it in svg, png, dot or mmd, or give --format"
        )
    return known[ending]


@click.command()
def schema() -> None:
    """Print the JSON Schema of topology files, for editors."""
    from anycastlab.experiments.schema import full_schema

    print_json(full_schema())


@click.command()
@click.argument(
    "shape", type=click.Choice(["ring", "line", "star", "tree", "grid", "random", "fattree"])
)
@click.option("--nodes", type=int, required=True, help="All nodes: routers, members and clients.")
@click.option("--members", type=int, help="Servers among them.")
@click.option("--clients", type=int, help="Clients among them.")
@click.option("--groups", type=int, default=1, show_default=True, help="Anycast groups.")
@click.option("--seed", type=int, default=0, show_default=True)
def generate(
    shape: str, nodes: int, members: int | None, clients: int | None, groups: int, seed: int
) -> None:
    """Print a topology file of a given shape and size."""
    from anycastlab.topology.generate import generate as make

    click.echo(make(shape, nodes, members, clients, groups=groups, seed=seed), nl=False)


COMMANDS = {
    "check": check,
    "predict": predict,
    "graph": graph,
    "schema": schema,
    "generate": generate,
}
