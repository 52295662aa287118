"""The shipped schema is the models' own, and says what the loader says."""

from __future__ import annotations

import json
from importlib.resources import files

from anycastlab.experiments.schema import full_schema


def test_the_shipped_schema_equals_the_models() -> None:
    shipped = files("anycastlab").joinpath("schema.json").read_text()
    assert json.loads(shipped) == full_schema(), (
        "write it anew: anycastlab schema > anycastlab/schema.json"
    )


def test_every_step_and_component_is_in_it() -> None:
    text = json.dumps(full_schema())
    for word in ("expect", "set-cost", "identity", "compact", "endpoints"):
        assert f'"{word}"' in text
    assert '"frobnicate"' not in text
