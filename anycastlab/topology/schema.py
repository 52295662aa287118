"""The JSON Schema of the topology file, for editors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from anycastlab.topology.models import Topology

Schema = Mapping[str, Any]


class _Plain(GenerateJsonSchema):
    """Leaves out titles, which repeat the keys, and defaults, which are in their checked form."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> dict[str, Any]:
        return self.generate_inner(schema["schema"])


def json_schema(
    steps: Mapping[str, Schema] | None = None, components: Mapping[str, Schema] | None = None
) -> dict[str, Any]:
    """Return the schema of the file format (JSON Schema, draft 2020-12), short forms included.

    With *steps* (verb to the schema of its argument) and *components* (name to the schema of its
    options) the experiment and ``run:`` are described too; their ``$defs`` move to the top. Raises
    ValueError if two different definitions have one name.
    """
    root = Topology.model_json_schema(schema_generator=_Plain)
    schema = {"$schema": _Plain.schema_dialect, **root, "title": "anycastlab topology"}
    definitions = schema["$defs"]
    if steps:
        entries = [_entry(verb, step, definitions) for verb, step in steps.items()]
        schema["properties"]["experiment"]["items"] = {"anyOf": entries}
    if components:
        long_form = definitions["NodeSpec"]["anyOf"][1]
        with_options = [_entry(name, options, definitions) for name, options in components.items()]
        names = {"enum": list(components), "type": "string"}
        long_form["properties"]["run"]["items"] = {"anyOf": [names, *with_options]}
    for key, section in schema["properties"].items():
        if key not in schema["required"]:
            schema["properties"][key] = _or_nothing(section)
    return schema


def _or_nothing(section: Schema) -> dict[str, Any]:
    """Return the schema of a section that may also be left empty, as ``links:``."""
    if "type" in section:
        return {**section, "type": [section["type"], "null"]}
    return {"description": section["description"], "anyOf": [section, {"type": "null"}]}


def _entry(name: str, value: Schema, definitions: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of ``{name: value}``, having moved the value's definitions to the top."""
    own = {key: inner for key, inner in value.items() if key != "$defs"}
    for title, definition in value.get("$defs", {}).items():
        if definitions.setdefault(title, definition) != definition:
            raise ValueError(f"two different definitions of {title} in the schema of {name}")
    return {
        "type": "object",
        "description": own.get("description", ""),
        "properties": {name: own},
        "required": [name],
        "additionalProperties": False,
    }
