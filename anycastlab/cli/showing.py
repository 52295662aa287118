"""The verb ``show``: what the components of a node hold now."""

from __future__ import annotations

import click

from anycastlab.cli.common import json_option, lab_and, print_json, split_lab


@click.command()
@lab_and("NODE")
@click.option("--component", metavar="NAME", help="Only this one of the node's components.")
@json_option
def show(names: tuple[str, ...], component: str | None, as_json: bool) -> None:
    """Print the tables and counters of what runs in a node."""
    from anycastlab.lab.handle import Lab

    name, (node,) = split_lab(names, 1)
    told = Lab.find(name).show(node, component)
    if as_json:
        print_json(told)
        return
    from anycastlab.report.components import tables

    click.echo(tables(told), nl=False)


@click.command()
@lab_and("CLIENT")
@json_option
def bindings(names: tuple[str, ...], as_json: bool) -> None:
    """Print which instance each connection of a client is bound to (RFC 1546)."""
    from anycastlab.lab.handle import Lab

    name, (client,) = split_lab(names, 1)
    bound = Lab.find(name).show(client, "rfc1546-client")["rfc1546-client"]["bindings"]
    if as_json:
        print_json(bound)
        return
    from anycastlab.report.components import binding_table

    click.echo(binding_table(bound), nl=False)


COMMANDS = {"show": show, "bindings": bindings}
