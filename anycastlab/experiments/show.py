"""The step ``show``: what a component of a node holds, compared with what is expected."""

from __future__ import annotations

import json
import operator
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, TypeGuard

from pydantic import BaseModel, ConfigDict, Field

from anycastlab.experiments.fields import Duration
from anycastlab.experiments.names import Complain, Names
from anycastlab.experiments.pacing import pause_until
from anycastlab.experiments.step import Context, Step
from anycastlab.experiments.verdict import Outcome

_LOOK_EVERY = 0.02
_SHOWN = 160


class Show(BaseModel, Step):
    """A component's tables and counters hold at least what is expected.

    ``is`` is compared key by key, mappings inside it too, and so are the numbers of ``at-least``
    and ``at-most``; what they do not name may be anything.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    verb: ClassVar[str] = "show"

    node: str = Field(description="The node.")
    component: str = Field(description="The component's name.")
    expected: dict[str, Any] = Field(
        default_factory=dict, alias="is", description="What it must hold: {key: value}."
    )
    at_least: dict[str, Any] = Field(
        default_factory=dict, alias="at-least", description="The least it must hold: {key: number}."
    )
    at_most: dict[str, Any] = Field(
        default_factory=dict, alias="at-most", description="The most it may hold: {key: number}."
    )
    within: Duration = Field(0.0, description="Look again until it holds, at most so long.")

    def check(self, names: Names, complain: Complain) -> None:
        """The node and the component must exist."""
        names.want_node(self.node, ("node",), complain)
        names.want_component(self.component, ("component",), complain)

    def run(self, context: Context) -> Outcome:
        """Look until it is as expected or the time is over."""
        deadline = time.monotonic() + self.within
        while True:
            held = context.lab.show(self.node, self.component)[self.component]
            found = (
                *differences(self.expected, held),
                *shortages(self.at_least, held),
                *excesses(self.at_most, held),
            )
            if not found or time.monotonic() >= deadline:
                return Outcome(_shown(held), found, data={self.component: held})
            pause_until(min(deadline, time.monotonic() + _LOOK_EVERY))


def differences(
    expected: Mapping[str, Any], held: Mapping[str, Any], at: str = ""
) -> Iterator[str]:
    """Say where *held* lacks a key of *expected* or has another value there."""
    for key, value in expected.items():
        name = f"{at}{key}"
        if key not in held:
            yield f"expected {name}: {json.dumps(value)}, there is no {name}"
        elif isinstance(value, dict) and isinstance(held[key], dict):
            yield from differences(value, held[key], f"{name}.")
        elif held[key] != value:
            yield f"expected {name}: {json.dumps(value)}, found {json.dumps(held[key])}"


def excesses(most: Mapping[str, Any], held: Mapping[str, Any]) -> Iterator[str]:
    """Say where *held* lacks a number of *most* or has a larger one there."""
    yield from _beyond("most", operator.gt, most, held)


def shortages(least: Mapping[str, Any], held: Mapping[str, Any]) -> Iterator[str]:
    """Say where *held* lacks a number of *least* or has a smaller one there."""
    yield from _beyond("least", operator.lt, least, held)


def _beyond(
    bound: str,
    beyond: Callable[[float, float], bool],
    limits: Mapping[str, Any],
    held: Mapping[str, Any],
    at: str = "",
) -> Iterator[str]:
    for key, value in limits.items():
        name, has = f"{at}{key}", held.get(key)
        if isinstance(value, dict) and isinstance(has, dict):
            yield from _beyond(bound, beyond, value, has, f"{name}.")
        elif not _number(has) or not _number(value) or beyond(has, value):
            found = f"found {json.dumps(has)}" if key in held else f"there is no {name}"
            yield f"expected {name}: at {bound} {json.dumps(value)}, {found}"


def _number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(held: Mapping[str, Any]) -> str:
    text = json.dumps(held)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
