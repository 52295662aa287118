"""What a kernel feature is, and what trying it found."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from anycastlab.kernel.features.trial import UntriedError

Probe: TypeAlias = Callable[[], str]
"""Carry the real operation out; return a remark ("" for none), or raise OSError."""
Outcome: TypeAlias = Literal["works", "missing", "untried"]


@dataclass(frozen=True, slots=True)
class Feature:
    """Something the lab asks of its host.

    ``purpose`` is what it does in the lab, ``cost`` what is lost without it, ``remedy`` says how
    to get it on this very host (it is called only when the probe fails).
    """

    name: str
    purpose: str
    probe: Probe
    cost: str
    remedy: Callable[[], str]
    required: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """What trying a feature found; ``errno`` is its name, such as ``ENOENT``, or empty.

    ``detail`` is a remark of the probe or, after a failure, the error's text.
    """

    feature: Feature
    outcome: Outcome
    detail: str = ""
    errno: str = ""
    remedy: str = ""


def examine(feature: Feature) -> Finding:
    """Try one feature; nothing of the trial remains on the host."""
    try:
        return Finding(feature, "works", feature.probe())
    except UntriedError as error:
        return Finding(feature, "untried", _text(error), _name(error))
    except OSError as error:
        return Finding(feature, "missing", _text(error), _name(error), feature.remedy())


def lacking(findings: Iterable[Finding]) -> tuple[str, ...]:
    """Return the names of the required features that do not work."""
    return tuple(
        finding.feature.name
        for finding in findings
        if finding.feature.required and finding.outcome != "works"
    )


def _text(error: OSError) -> str:
    text = error.strerror or str(error)
    return f"{error.filename}: {text}" if error.filename else text


def _name(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, "")
