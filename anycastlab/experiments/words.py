"""Faults from the words of a command line: the same models, the same checks, one message."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from anycastlab.errors import UsageError, did_you_mean
from anycastlab.topology.wording import message_for

M = TypeVar("M", bound=BaseModel)


def model_of(kind: type[M], values: dict[str, Any]) -> M:
    """Make a model of words. Raises UsageError with what is wrong first."""
    for key in values:
        if key not in kind.model_fields:
            raise UsageError(f"unknown key {key!r}{did_you_mean(key, kind.model_fields)}")
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        message = message_for(first, None)
        place = ".".join(str(part) for part in first["loc"][:1])
        raise UsageError(f"{place}: {message}" if place else message) from None


def place(word: str) -> dict[str, Any]:
    """Read ``r1,r2`` as a link and ``s1`` as a node."""
    names = word.split(",")
    return {"link": names} if len(names) > 1 else {"node": word}


def pairs(word: str) -> dict[str, str]:
    """Read ``delay=10ms,loss=1%``. Raises UsageError."""
    found = {}
    for part in word.split(","):
        key, equals, value = part.partition("=")
        if not equals:
            raise UsageError(f"expected KEY=VALUE, as delay=10ms,loss=1%; not {part!r}")
        found[key] = value
    return found
