"""Check the types of a whole file, and keep what is sound of a file that is not.

All mistakes of a file are reported at once, so an ill-typed entry must not keep the names and
addresses in the other entries from being checked, nor make what refers to it look wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from anycastlab.topology.models import Topology
from anycastlab.topology.positions import Path
from anycastlab.topology.reporter import Reporter

_ENTRIES = ("nodes", "links", "lans", "anycast", "experiment")
_SCALARS = ("name", "description", "routing", "neighbour")


def checked(data: Any, reporter: Reporter) -> Topology | None:
    """Return the topology in *data*, its ill-typed parts reported and left out; None if no use."""
    try:
        return Topology.model_validate(data)
    except ValidationError as error:
        reporter.validation((), error, Topology)
        return _salvaged(data, error, reporter)


def _salvaged(data: Any, error: ValidationError, reporter: Reporter) -> Topology | None:
    faults = [mistake["loc"] for mistake in error.errors()]
    if not _is_worth_it(data, faults):
        return None
    sound = _without_faults(data, faults, reporter)
    try:
        return Topology.model_validate(sound)
    except ValidationError as rest:
        for fault in {mistake["loc"][:2] for mistake in rest.errors()}:
            _replace(sound, fault, reporter)
    return Topology.model_validate(sound)


def _is_worth_it(data: Any, faults: Iterable[Path]) -> bool:
    """Whether no section is lost as a whole (or misspelt): without one, all names would dangle."""
    return isinstance(data, dict) and not any(
        len(fault) == 1 and (fault[0] in _ENTRIES or get_close_matches(str(fault[0]), _ENTRIES))
        for fault in faults
    )


def _without_faults(
    data: Mapping[str, Any], faults: Iterable[Path], reporter: Reporter
) -> dict[str, Any]:
    """Return a copy of *data* in which the entries lack the keys at fault."""
    sound = {key: _copied(key, section) for key, section in data.items()}
    for fault in faults:
        if len(fault) == 1 or fault[0] in _SCALARS:
            sound.pop(str(fault[0]), None)
        elif len(fault) > 2 and fault[0] != "experiment":
            entry = sound[str(fault[0])][fault[1]]
            if fault[0] == "anycast" and fault[2] == "addresses":
                _replace_address(entry, fault, reporter)
            elif isinstance(entry, dict):
                entry.pop(fault[2], None)
    return {"name": "lab", **sound}


def _replace_address(entry: dict[str, Any], fault: Path, reporter: Reporter) -> None:
    """Put an address that nothing else has (RFC 6666) in place of the one at *fault*."""
    written, index = entry["addresses"], int(fault[3])
    addresses = list(written) if isinstance(written, list) else [written]
    addresses[index] = f"100::{index:x}"
    entry["addresses"] = addresses
    reporter.mute(fault)


def _copied(key: str, section: Any) -> Any:
    """Return a copy of a section and its entries: aliases make the original shared."""
    if key in _ENTRIES and isinstance(section, dict):
        return {name: _own(entry) for name, entry in section.items()}
    return [_own(entry) for entry in section] if isinstance(section, list) else section


def _own(entry: Any) -> Any:
    return dict(entry) if isinstance(entry, dict) else entry


def _replace(sound: dict[str, Any], fault: Path, reporter: Reporter) -> None:
    """Put something sound in place of the entry at *fault*, about which nothing more is said."""
    section, entry = str(fault[0]), fault[1]
    node = next(iter(sound["nodes"]))
    stand_in: dict[str, Any] = {
        "nodes": "router",
        "links": [node, node],
        "lans": {"nodes": [node]},
        "anycast": {"members": [node]},
        "experiment": {"": None},
    }
    sound[section][entry] = stand_in[section]
    reporter.mute(fault)
