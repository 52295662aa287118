"""The JSON Schema of the whole file format: network, steps, and the options of components."""

from __future__ import annotations

from typing import Any

from anycastlab.components.registry import find, names
from anycastlab.experiments.registry import STEPS
from anycastlab.topology.schema import json_schema


def full_schema() -> dict[str, Any]:
    """The schema editors use; anycastlab/schema.json is this, written down."""
    steps: dict[str, Any] = {verb: _schema(model) for verb, model in STEPS.items()}
    components = {name: _schema(find(name).options) for name in names()}
    return json_schema(steps, components)


def _schema(model: Any) -> dict[str, Any]:
    schema: dict[str, Any] = model.model_json_schema()
    return schema
