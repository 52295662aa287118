"""Say in plain words what is wrong with a value."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from anycastlab.errors import did_you_mean

_LONGEST_QUOTE = 40
_MOST_LISTED = 10
_MOST_COMPARED = 2000  # names; comparing with more takes longer than a message is worth


def quoted(text: object) -> str:
    """Return *text* in quotes, cut short if it is long."""
    shown = str(text)
    return repr(shown if len(shown) <= _LONGEST_QUOTE else shown[: _LONGEST_QUOTE - 1] + "…")


def listed(words: list[str], last: str = "or") -> str:
    """Return ``a, b or c``."""
    return f" {last} ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def nearest_or_all(word: str, known: Collection[str]) -> str:
    """Return ``; did you mean 'x'?``, or all the known words if none is near and they are few."""
    if len(known) > _MOST_COMPARED:
        return ""
    few = 0 < len(known) <= _MOST_LISTED
    every = f"; known here: {', '.join(known)}" if few else ""
    return did_you_mean(word, known) or every


def entries(count: int) -> str:
    """Return ``1 entry`` or ``2 entries``."""
    return f"{count} entry" if count == 1 else f"{count} entries"


def given(value: object, text: str | None = None) -> str:
    """Return what stands there instead of what was expected; *text* is how it was written."""
    if value is None:
        return "nothing is written here"
    if isinstance(value, str):
        return f"not {quoted(value)}"
    if isinstance(value, dict | list):
        return "not a mapping" if isinstance(value, dict) else "not a list"
    return f"not {quoted(text or json.dumps(value))[1:-1]}"


def reads_as(text: str, value: object) -> str:
    """Return why unquoted *text* is not text to YAML, and that quotes help."""
    kind = {bool: str(value).lower(), type(None): "nothing"}.get(type(value), "a number")
    return f"YAML reads {quoted(text)[1:-1]} as {kind}: write it in quotes, '{quoted(text)[1:-1]}'"


def _expected_text(error: Mapping[str, Any], text: str | None) -> str:
    value = error["input"]
    if isinstance(value, bool | int | float) and text is not None:
        return f"expected text; {reads_as(text, value)}"
    return f"expected text, {given(value, text)}"


def _expected_one_of(error: Mapping[str, Any], text: str | None) -> str:
    known = re.findall(r"'([^']*)'", error["ctx"]["expected"])
    value = error["input"]
    near = did_you_mean(value, known) if isinstance(value, str) else ""
    wanted = listed(known) or error["ctx"]["expected"]  # numbers have no quotes
    return f"expected {wanted}, {given(value, text)}{near}"


def _expected(what: str) -> Callable[[Mapping[str, Any], str | None], str]:
    def message(error: Mapping[str, Any], text: str | None) -> str:
        limits = {key: _plain(value) for key, value in error.get("ctx", {}).items()}
        return f"expected {what.format(**limits)}, {given(error['input'], text)}"

    return message


def _plain(limit: object) -> object:
    return int(limit) if isinstance(limit, float) and limit.is_integer() else limit


def _own_words(error: Mapping[str, Any], text: str | None) -> str:
    return str(error["ctx"]["error"])


def _count(bound: str) -> Callable[[Mapping[str, Any], str | None], str]:
    def message(error: Mapping[str, Any], text: str | None) -> str:
        context = error["ctx"]
        limit = context.get("min_length", context.get("max_length"))
        return f"expected at {bound} {entries(limit)}, found {context['actual_length']}"

    return message


_MESSAGES: dict[str, Callable[[Mapping[str, Any], str | None], str]] = {
    "missing": lambda error, _: f"{quoted(error['loc'][-1])} is missing",
    "value_error": _own_words,
    "string_type": _expected_text,
    "literal_error": _expected_one_of,
    "int_type": _expected("a whole number"),
    "int_parsing": _expected("a whole number"),
    "int_from_float": _expected("a whole number"),
    "float_type": _expected("a number"),
    "float_parsing": _expected("a number"),
    "finite_number": _expected("a finite number"),
    "greater_than": _expected("a number greater than {gt}"),
    "greater_than_equal": _expected("a number of {ge} or more"),
    "less_than": _expected("a number less than {lt}"),
    "less_than_equal": _expected("a number of {le} or less"),
    "bool_type": _expected("true or false"),
    "bool_parsing": _expected("true or false"),
    "list_type": _expected("a list"),
    "tuple_type": _expected("a list"),
    "dict_type": _expected("a mapping"),
    "model_type": _expected("a mapping"),
    "model_attributes_type": _expected("a mapping"),
    "too_short": _count("least"),
    "too_long": _count("most"),
}


def message_for(error: Mapping[str, Any], text: str | None) -> str:
    """Return the message for one of ``ValidationError.errors()``; *text* is what was written."""
    if error["type"] in _MESSAGES:
        return _MESSAGES[error["type"]](error, text)
    words: str = error["msg"]
    return words.replace("Input should be", "expected")
