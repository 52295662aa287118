"""The building blocks of the file format's types, above all its short forms.

A short form is turned into its long form before it is checked, so each mistake is one message.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema


class Strict(BaseModel):
    """A mapping of the file: unknown keys are refused and no type is guessed."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ShortForm(Strict):
    """A mapping that may also be written in a shorter form, described by ``short_form``."""

    short_form: ClassVar[JsonSchemaValue]

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        reference = handler(schema)
        definition = handler.resolve_ref_schema(reference)
        long_form = dict(definition)
        definition.clear()
        definition["anyOf"] = [cls.short_form, long_form]
        return reference


@dataclass(frozen=True, slots=True)
class OneOrMore:
    """Annotates a list that may be written as its only item, without brackets."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_before_validator_function(_as_list, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        array = handler(schema)
        return {"anyOf": [array["items"], array]}


@dataclass(frozen=True, slots=True)
class NotEmpty:
    """Annotates a list or mapping that must have an entry; ``message`` is said when it has none."""

    message: str

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        inner = handler(schema)
        return {**inner, "minItems" if inner["type"] == "array" else "minProperties": 1}

    def _check(self, value: Any) -> Any:
        if not value:
            raise ValueError(self.message)
        return value


def _as_list(value: object) -> object:
    return value if isinstance(value, list) else [value]
