"""Turn what is wrong with the data of a file into messages at the places in the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from anycastlab.topology.positions import Mark, Path
from anycastlab.topology.source import Source
from anycastlab.topology.wording import message_for, nearest_or_all, quoted

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

_KEY = "[key]"  # how pydantic ends the path of a dict's key


class Reporter:
    """Places messages in one file, and leaves out what only follows from another mistake."""

    def __init__(self, source: Source) -> None:
        self._problems = source.problems
        self._positions = source.positions
        self._settled = source.problems.marks()
        self._muted: list[Path] = []

    def problem(self, path: Path, message: str, *, at_key: bool = False) -> None:
        """Note a mistake in the value at *path*, or in its key.

        A part of the path that was not written (a short form's) is passed over. Raises
        TopologyError when there are too many to go on.
        """
        mark = self._positions.mark(path, at_key=at_key)
        if mark in self._settled or any(path[: len(muted)] == muted for muted in self._muted):
            return
        self._problems.add(mark, message)

    def mute(self, path: Path) -> None:
        """Pass over later mistakes in the entry at *path*: it was replaced by a stand-in."""
        self._muted.append(path)

    def mark(self, path: Path) -> Mark:
        """Return where the value at *path* begins."""
        return self._positions.mark(path)

    def validation(
        self, path: Path, error: ValidationError, model: type[BaseModel] | None = None
    ) -> None:
        """Note every mistake pydantic found in the value at *path*.

        With the *model* that was validated, unknown keys are answered by the known ones.
        """
        for mistake in error.errors(include_url=False):
            where: Path = (*path, *mistake["loc"])
            if mistake["type"] == "extra_forbidden":
                known = sorted(known_keys(model, mistake["loc"][:-1])) if model else []
                hint = nearest_or_all(str(where[-1]), known)
                self.problem(where, f"unknown key {quoted(where[-1])}{hint}", at_key=True)
                continue
            at_key = mistake["type"] == "missing" or where[-1:] == (_KEY,)
            if mistake["type"] == "missing":
                where = where[:-1]
            text = self._positions.place(where).text
            self.problem(where, message_for(dict(mistake), text), at_key=at_key)

    def finish(self) -> None:
        """Raise TopologyError if there was a mistake."""
        self._problems.raise_any()


def known_keys(model: type[BaseModel], path: Path) -> set[str]:
    """Return the keys that *model* knows at *path*, by the model's own JSON Schema."""
    root = model.model_json_schema()
    here = list(_alternatives(root, root))
    for part in path:
        inner = [schema for outer in here for schema in _step(root, outer, part)]
        here = inner or here
    return {key for schema in here for key in schema.get("properties", {})}


def _step(root: Mapping[str, Any], schema: Mapping[str, Any], part: str | int) -> Iterator[Any]:
    if isinstance(part, int):
        inner = schema.get("items")
    else:
        inner = schema.get("properties", {}).get(part, schema.get("additionalProperties"))
    if isinstance(inner, Mapping):
        yield from _alternatives(root, inner)


def _alternatives(root: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[Any]:
    if "$ref" in schema:
        yield from _alternatives(root, root["$defs"][schema["$ref"].rpartition("/")[2]])
    for inner in schema.get("anyOf", schema.get("oneOf", ())):
        yield from _alternatives(root, inner)
    yield schema
