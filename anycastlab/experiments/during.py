"""The faults that strike while a step measures: ``during: [{kill: s1}, {revive: s1}]``.

The registry lists the steps that use this, so it is imported here only when it is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, ValidationError

from anycastlab.errors import did_you_mean
from anycastlab.experiments.names import Complain, Names
from anycastlab.topology.models import Step as Entry
from anycastlab.topology.wording import message_for

if TYPE_CHECKING:
    from anycastlab.experiments.fault import Fault
    from anycastlab.lab.handle import Lab
    from anycastlab.probing.stream_record import Strike

During = Annotated[
    tuple[Entry, ...], Field(description="Faults, each as a step is written, in their order.")
]
"""The faults as they stand in the file, each ``{verb: its argument}``."""


def check_during(during: During, names: Names, complain: Complain) -> None:
    """Complain of unknown faults, wrong arguments and names the topology does not have."""
    from anycastlab.experiments.registry import FAULTS

    for place, entry in enumerate(during):
        for verb, argument in entry.items():
            if verb not in FAULTS:
                hint = did_you_mean(verb, FAULTS) or f"; faults: {', '.join(FAULTS)}"
                complain(("during", place, verb), f"unknown fault {verb!r}{hint}")
                continue
            _check_one(("during", place, verb), verb, argument, names, complain)


def _check_one(
    path: tuple[str | int, ...], verb: str, argument: Any, names: Names, complain: Complain
) -> None:
    try:
        fault = _fault(verb, argument)
    except ValidationError as error:
        for mistake in error.errors(include_url=False):
            unknown = mistake["type"] == "extra_forbidden"
            message = "unknown key" if unknown else message_for(dict(mistake), None)
            complain((*path, *mistake["loc"]), message)
        return
    fault.check(names, lambda inner, message: complain((*path, *inner), message))


def _fault(verb: str, argument: Any) -> Fault:
    """Make the fault of its argument; raises pydantic's ValidationError."""
    from anycastlab.experiments.registry import FAULTS

    model: Any = FAULTS[verb]
    fault: Fault = model.model_validate(argument)
    return fault


def strikes(during: During, lab: Lab) -> list[Strike]:
    """The faults of a checked list, ready to strike the lab."""
    from anycastlab.experiments.script import text
    from anycastlab.probing.stream_record import Strike

    def strike(verb: str, argument: Any) -> Strike:
        fault = _fault(verb, argument)
        return Strike(text(verb, argument), lambda: fault.strike(lab))

    return [strike(*item) for entry in during for item in entry.items()]
