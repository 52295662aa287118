"""What may be a name."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anycastlab.topology.names import (
    LAB_NAME_SCHEMA,
    LONGEST_NAME,
    NAME_SCHEMA,
    Kind,
    name_problem,
)


@pytest.mark.parametrize("name", ["r1", "R1", "1", "a-b_c", "x" * LONGEST_NAME, "a-", "a_"])
def test_a_plain_name_is_a_name(name: str) -> None:
    assert name_problem("node", name) is None


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "a/b",
        "a b",
        "a\tb",
        "a\n",
        "é",
        "-a",
        "_a",
        "a--b",
        "a.b",
        "x" * 33,
        "\0",
        "a:b",
    ],
)
@pytest.mark.parametrize("kind", ["node", "LAN", "group", "lab"])
def test_what_would_not_do_as_a_file_name_is_no_name(kind: Kind, name: str) -> None:
    problem = name_problem(kind, name)
    if kind == "lab" and name == "a--b":
        assert problem is None
    else:
        assert problem is not None
        assert f"{kind} name" in problem
        assert problem.isprintable()


@given(st.text(min_size=1, max_size=40) | st.from_regex(r"\A[A-Za-z0-9_-]{1,34}\Z"))
def test_the_schema_takes_what_the_check_takes(name: str) -> None:
    kinds: list[tuple[Kind, dict[str, object]]] = [("node", NAME_SCHEMA), ("lab", LAB_NAME_SCHEMA)]
    for kind, schema in kinds:
        # "$" of Python, unlike that of JSON Schema, also stands before a final newline.
        matches = re.fullmatch(str(schema["pattern"]).rstrip("$"), name)
        by_schema = matches is not None and len(name) <= LONGEST_NAME
        assert by_schema == (name_problem(kind, name) is None)
