"""The verb ``neighbours``: what a node's ARP and ND caches hold, by the names of the nodes."""

from __future__ import annotations

import click

from anycastlab.cli.common import json_option, lab_and, print_json, split_lab


@click.command()
@lab_and("NODE")
@json_option
def neighbours(names: tuple[str, ...], as_json: bool) -> None:
    """Print what the neighbour caches of a node hold, and whose MAC that is."""
    from anycastlab.lab.faults import find_node
    from anycastlab.lab.handle import Lab
    from anycastlab.probing.neighbour_watch import cache

    name, (node,) = split_lab(names, 1)
    lab = Lab.find(name)
    found = cache(lab, find_node(lab.network, node))
    if as_json:
        print_json(found)
        return
    from anycastlab.report.neighbours import text

    click.echo(text(found), nl=False)


COMMANDS = {"neighbours": neighbours}
