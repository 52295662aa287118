"""What may be called what: labs, nodes, LANs and groups.

``<lab>.<node>`` becomes a file name and ``<node>--<node>`` the name of a link, hence the rules.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from anycastlab.topology.wording import quoted

Kind = Literal["lab", "node", "LAN", "group"]

LONGEST_NAME = 32

NAME_SCHEMA: dict[str, Any] = {
    "type": "string",
    "pattern": "^(?!.*--)[A-Za-z0-9][A-Za-z0-9_-]*$",
    "maxLength": LONGEST_NAME,
}
LAB_NAME_SCHEMA: dict[str, Any] = {**NAME_SCHEMA, "pattern": "^[a-z0-9][a-z0-9-]*$"}


def name_problem(kind: Kind, name: str) -> str | None:
    """Return what is wrong with *name*, or None."""
    allowed, words = "A-Za-z0-9_-", "letters, digits, '-' and '_'"
    if kind == "lab":
        allowed, words = "a-z0-9-", "small letters, digits and '-'"
    subject = f"{kind} name {quoted(name)}"
    if not name:
        return f"a {kind} name cannot be empty"
    if len(name) > LONGEST_NAME:
        return f"{subject} has {len(name)} characters; {LONGEST_NAME} is the most"
    if strange := re.search(f"[^{allowed}]", name):
        what = "a space" if strange[0] == " " else quoted(strange[0])
        return f"{subject} contains {what}; use {words}"
    if name[0] in "-_":
        return f"{subject} must begin with a letter or a digit"
    if kind != "lab" and "--" in name:
        return f"{subject} contains '--', which stands between the ends in the name of a link"
    return None
