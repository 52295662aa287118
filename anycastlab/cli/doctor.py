"""`anycastlab doctor`: what can this host do?"""

from __future__ import annotations

import click
from rich.console import Console

from anycastlab.cli.common import json_option, print_json
from anycastlab.errors import FeatureError
from anycastlab.kernel.features import FEATURES, examine, lacking
from anycastlab.report.doctor import document, summary, table


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Try, for real, what labs need of this host.

    Every operation is carried out in a namespace that vanishes at once. Exit status 3: something
    that every lab needs does not work.
    """
    findings = [examine(feature) for feature in FEATURES]
    if as_json:
        print_json(document(findings))
    else:
        console = Console(highlight=False)
        console.print(table(findings))
        console.print(f"\n{summary(findings)}", markup=False)
    missing = lacking(findings)
    if missing:
        raise FeatureError(
            f"this host lacks what every lab needs: {', '.join(missing)}",
            "see `to get it` above",
        )


COMMANDS = {"doctor": doctor}
