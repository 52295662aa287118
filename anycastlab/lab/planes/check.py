"""Checks the `routing:` of a topology file: what its daemon can speak, with which options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from anycastlab.lab.planes.check_exabgp import check_exabgp
from anycastlab.topology.routing_models import (
    LEAST_FRR_RIP,
    PROTOCOLS,
    RipOptions,
    options_model,
    unspeakable,
    without_bfd,
)
from anycastlab.topology.wording import quoted

if TYPE_CHECKING:
    from anycastlab.topology.models import Topology
    from anycastlab.topology.reporter import Reporter


def check(topology: Topology, reporter: Reporter) -> None:
    """Report a protocol that the daemon does not speak, and every wrong option of one it does.

    And every member that ExaBGP cannot announce beside it.
    """
    check_exabgp(topology, reporter)
    routing = topology.routing
    options = routing.model_extra or {}
    if routing.daemon not in PROTOCOLS:
        _check_kernel(routing.protocol, options, reporter)
        return
    protocol = routing.protocol or PROTOCOLS[routing.daemon][0]
    if problem := unspeakable(routing.daemon, protocol):
        reporter.problem(("routing", "protocol"), problem)
        return
    model = options_model(protocol)
    try:
        checked = model.model_validate(options)
    except ValidationError as error:
        reporter.validation(("routing",), error, model)
        return
    if checked.bfd and (problem := without_bfd(routing.daemon, protocol)):
        reporter.problem(("routing", "bfd"), problem)
    if routing.daemon == "frr" and isinstance(checked, RipOptions):
        _check_frr_rip(options, checked, reporter)


def _check_kernel(protocol: str | None, options: Mapping[str, Any], reporter: Reporter) -> None:
    if protocol is not None:
        message = f"kernel speaks no protocol; {' and '.join(PROTOCOLS)} do"
        reporter.problem(("routing", "protocol"), message)
    for name in options:
        reporter.problem(("routing", name), f"unknown key {quoted(name)} for kernel", at_key=True)


def _check_frr_rip(options: Mapping[str, Any], checked: RipOptions, reporter: Reporter) -> None:
    written = options.get("timers")
    for name in written if isinstance(written, dict) else ():
        value = getattr(checked.timers, name)
        if name != "profile" and value is not None and value < LEAST_FRR_RIP:
            message = f"frr takes no timer of RIP below {LEAST_FRR_RIP}s"
            reporter.problem(("routing", "timers", name), message)
