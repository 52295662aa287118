"""Read a topology file into plain data, with the place of every value; trust nothing in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

import yaml

from anycastlab.topology.positions import Mark, Place, Positions
from anycastlab.topology.problems import Problems
from anycastlab.topology.wording import quoted, reads_as

LARGEST_FILE = 5_000_000  # bytes; a topology of 10,000 nodes has 500,000
MOST_VALUES = 300_000  # aliases written out: 10,000 nodes have 60,000, a "billion laughs" 10**9
DEEPEST = 50  # levels of nesting; the format itself has 6
_TOO_DEEP = f"nested more than {DEEPEST} levels deep"

_START = Mark(1, 1)
_TAG = "tag:yaml.org,2002:"
_NON_PRINTABLE = re.compile(r"[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_OCTAL = re.compile(r"[-+]?0[0-7_]+")
_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Source:
    """A file as data: only dict (with str keys), list, str, int, float, bool and None.

    Values may be shared where the file has aliases, so they must not be changed. ``problems`` holds
    the mistakes that did not hinder reading on.
    """

    data: Any
    positions: Positions
    problems: Problems


def read(path: str) -> str:
    """Return the text of a file; raise TopologyError if there is none, or too much."""
    problems = Problems(path)
    try:
        with FilePath(path).open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except IsADirectoryError:
        problems.fail(_START, "this is a directory, not a topology file")
    except OSError as error:
        problems.fail(_START, f"cannot read the file: {error.strerror}")
    if len(content) > LARGEST_FILE:
        limit = LARGEST_FILE // 1_000_000
        problems.fail(_START, f"too large: a topology file has at most {limit} MB")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8-sig", errors="replace")
        problems.fail(_end_of(before), "not UTF-8 text")


def parse(text: str, file: str) -> Source:
    """Return the one YAML document of *text*; raise TopologyError if it cannot be read at all."""
    problems = Problems(file)
    if strange := _NON_PRINTABLE.search(text):
        problems.fail(_end_of(text[: strange.start()]), f"not text: character {strange[0]!r}")
    try:
        return _Reader(text, problems).document()
    except yaml.MarkedYAMLError as error:
        mark = _mark(error.problem_mark) if error.problem_mark else _START
        if "nesting depth" in str(error.problem):  # libyaml looks ahead, and has a bound of its own
            problems.fail(mark, _TOO_DEEP)
        context = f" ({error.context})" if error.context else ""
        hint = "; indent with spaces, not tabs" if _is_tab(text, mark) else ""
        problems.fail(mark, f"not valid YAML: {error.problem}{context}{hint}")
    except yaml.YAMLError as error:
        problems.fail(_START, f"not valid YAML: {error}")


def _end_of(text: str) -> Mark:
    return Mark(text.count("\n") + 1, len(text) - text.rfind("\n"))


def _mark(mark: Any) -> Mark:
    return Mark(mark.line + 1, mark.column + 1)


def _is_tab(text: str, mark: Mark) -> bool:
    lines = text.splitlines()[mark.line - 1 : mark.line]
    return any(line[mark.column - 1 : mark.column] == "\t" for line in lines)


class _Reader:
    """Builds data and places from the parser's events.

    Events, not PyYAML's composed nodes: its C composer recurses on the C stack without a bound, and
    here an alias costs nothing until its size is known.
    """

    def __init__(self, text: str, problems: Problems) -> None:
        self._loader = _SafeLoader(text)
        self._problems = problems
        self._anchors: dict[str, tuple[Any, Place] | None] = {}
        self._plain: dict[str, tuple[Any, str | None]] = {}
        self._seen = 0

    def document(self) -> Source:
        loader = self._loader
        loader.get_event()
        if loader.check_event(yaml.StreamEndEvent):
            self._problems.fail(_START, "the file is empty")
        loader.get_event()
        data, place = self._value(loader.get_event(), 0)
        loader.get_event()
        if not loader.check_event(yaml.StreamEndEvent):
            mark = _mark(loader.get_event().start_mark)
            self._problems.fail(mark, "a second YAML document: a file describes one lab")
        if data is None:
            self._problems.fail(_START, "the file is empty")
        return Source(data, Positions(place), self._problems)

    def _value(self, event: Any, depth: int) -> tuple[Any, Place]:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if depth > DEEPEST:
            self._problems.fail(_mark(event.start_mark), _TOO_DEEP)
        before = self._seen
        self._count(event, 1)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self._list(event, depth)
        else:
            value = self._mapping(event, depth)
        value[1].size = self._seen - before
        if event.anchor is not None:
            self._anchors[event.anchor] = value
        return value

    def _alias(self, event: Any) -> tuple[Any, Place]:
        mark = _mark(event.start_mark)
        name = quoted(event.anchor)[1:-1]
        if event.anchor not in self._anchors:
            self._problems.fail(mark, f"alias *{name} has no anchor &{name} before it")
        anchored = self._anchors[event.anchor]
        if anchored is None:
            self._problems.fail(mark, f"alias *{name} contains itself")
        data, place = anchored
        self._count(event, place.size)
        return data, Place(mark, place.text, place.children, size=place.size)

    def _count(self, event: Any, values: int) -> None:
        self._seen += values
        if self._seen > MOST_VALUES:
            message = f"more than {MOST_VALUES} values, with the aliases written out"
            self._problems.fail(_mark(event.start_mark), message)

    def _list(self, event: Any, depth: int) -> tuple[list[Any], Place]:
        self._refuse_tag(event, "seq")
        data: list[Any] = []
        places: dict[str | int, Place] = {}
        while not isinstance(inner := self._loader.get_event(), yaml.SequenceEndEvent):
            value, places[len(data)] = self._value(inner, depth + 1)
            data.append(value)
        return data, Place(_mark(event.start_mark), None, places)

    def _mapping(self, event: Any, depth: int) -> tuple[dict[str, Any], Place]:
        self._refuse_tag(event, "map")
        data: dict[str, Any] = {}
        places: dict[str | int, Place] = {}
        while not isinstance(inner := self._loader.get_event(), yaml.MappingEndEvent):
            key, mark = self._key(inner, depth)
            value, place = self._value(self._loader.get_event(), depth + 1)
            place.key = mark
            if key in data:
                first = places[key].key or mark
                where = f"line {first.line}, column {first.column}"
                self._problems.add(mark, f"key {quoted(key)} is written twice; first at {where}")
            else:
                data[key], places[key] = value, place
        return data, Place(_mark(event.start_mark), None, places)

    def _key(self, event: Any, depth: int) -> tuple[str, Mark]:
        """Return the key as text even when it is refused, so that what refers to it finds it."""
        key, place = self._value(event, depth + 1)
        if key == "<<" and isinstance(event, yaml.ScalarEvent) and event.implicit[0]:
            self._problems.fail(place.mark, "merge keys (<<) are not supported: write the keys out")
        if isinstance(key, str):
            return key, place.mark
        if place.text is None:
            self._problems.fail(place.mark, "a key must be text, not a list or a mapping")
        self._problems.add(place.mark, f"a key must be text; {reads_as(place.text, key)}")
        return place.text, place.mark

    def _refuse_tag(self, event: Any, natural: str) -> None:
        if event.tag not in (None, "!", _TAG + natural):
            tag = quoted(event.tag.replace(_TAG, "!!"))
            self._problems.add(_mark(event.start_mark), f"tag {tag} is not allowed")

    def _scalar(self, event: Any) -> tuple[Any, Place]:
        text: str = event.value
        place = Place(_mark(event.start_mark), text)
        if not event.implicit[0]:
            self._refuse_tag(event, "str")
            return text, place
        if text not in self._plain:
            self._plain[text] = self._constructed(text)
        value, problem = self._plain[text]
        if problem:
            self._problems.add(place.mark, problem)
        return value, place

    def _constructed(self, text: str) -> tuple[Any, str | None]:
        """Return the value of unquoted *text* by YAML 1.1, and what is wrong with it."""
        loader = self._loader
        tag: str = loader.resolve(yaml.ScalarNode, text, (True, False))
        node = yaml.ScalarNode(tag, text)
        if tag == _TAG + "bool":
            return loader.construct_yaml_bool(node), None
        if tag == _TAG + "null":
            return None, None
        if tag not in (_TAG + "int", _TAG + "float"):
            return text, None
        if ":" in text or _OCTAL.fullmatch(text):
            base = "60" if ":" in text else "8"
            return text, (
                f"YAML reads {quoted(text)[1:-1]} as a number in base {base}: "
                "write it in quotes, or in base 10"
            )
        try:
            return loader.construct_yaml_int(node) if tag == _TAG + "int" else _decimal(text), None
        except ValueError:
            return text, f"{quoted(text)} is not a number"


def _decimal(text: str) -> float:
    """Return a YAML 1.1 float, such as ``1_0.5``, ``-.inf`` or ``.nan``."""
    return float(text.lower().replace("_", "").replace(".inf", "inf").replace(".nan", "nan"))
