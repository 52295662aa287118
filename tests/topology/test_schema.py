"""The JSON Schema of the file format."""

from __future__ import annotations

import json
from typing import Any

import pytest

from anycastlab.topology.models import Topology
from anycastlab.topology.schema import json_schema


def walk(schema: Any) -> list[dict[str, Any]]:
    """Return every mapping inside *schema*."""
    inner = schema.values() if isinstance(schema, dict) else schema
    below = [found for each in inner if isinstance(each, dict | list) for found in walk(each)]
    return [schema, *below] if isinstance(schema, dict) else below


def test_it_is_json_of_draft_2020_12() -> None:
    schema = json_schema()
    assert json.loads(json.dumps(schema)) == schema
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_it_has_a_description_for_every_key_of_the_file() -> None:
    schema = json_schema()
    assert set(schema["properties"]) == set(Topology.model_fields)
    keys = [each for found in walk(schema) for each in found.get("properties", {}).values()]
    assert len(keys) > 25
    assert all(key.get("description") for key in keys)


def test_every_reference_leads_somewhere() -> None:
    schema = json_schema({"a": {"$ref": "#/$defs/X", "$defs": {"X": {"type": "null"}}}})
    references = {found["$ref"] for found in walk(schema) if "$ref" in found}
    assert "#/$defs/X" in references
    assert references <= {f"#/$defs/{name}" for name in schema["$defs"]}


@pytest.mark.parametrize(
    ("definition", "short"),
    [
        ("NodeSpec", {"type": "string", "enum": ["router", "client", "server"]}),
        ("LinkSpec", {"type": "array", "minItems": 2, "maxItems": 2}),
        ("RoutingSpec", {"type": "string", "enum": ["kernel", "bird", "frr"]}),
        ("MemberSpec", {"type": "null"}),
    ],
)
def test_it_has_the_short_forms_beside_the_long_ones(
    definition: str, short: dict[str, Any]
) -> None:
    first, second = json_schema()["$defs"][definition]["anyOf"]
    assert short.items() <= first.items()
    assert second["type"] == "object"


def test_it_lets_a_section_be_empty_but_not_the_nodes() -> None:
    properties = json_schema()["properties"]
    assert properties["links"]["type"] == ["array", "null"]
    assert {"type": "null"} in properties["routing"]["anyOf"]
    assert properties["nodes"]["type"] == "object"


def test_steps_and_components_are_merged_in() -> None:
    steps = {"kill": {"type": "string", "description": "End a node."}}
    components = {"http": {"type": "object", "properties": {"port": {"type": "integer"}}}}
    schema = json_schema(steps, components)
    (kill,) = schema["properties"]["experiment"]["items"]["anyOf"]
    assert kill["properties"]["kill"] == steps["kill"]
    assert (kill["required"], kill["description"]) == (["kill"], "End a node.")
    names, http = schema["$defs"]["NodeSpec"]["anyOf"][1]["properties"]["run"]["items"]["anyOf"]
    assert names["enum"] == ["http"]
    assert http["properties"]["http"] == components["http"]
    assert "enum" not in json.dumps(
        json_schema()["$defs"]["NodeSpec"]["anyOf"][1]["properties"]["run"]
    )


def test_two_definitions_of_one_name_are_refused_unless_they_are_one() -> None:
    one, other = (
        {"$defs": {"X": {"type": kind}}, "$ref": "#/$defs/X"} for kind in ("null", "string")
    )
    json_schema({"a": one, "b": one})
    with pytest.raises(ValueError, match="two different definitions of X in the schema of b"):
        json_schema({"a": one, "b": other})
