# SPDX-License-Identifier: AGPL-3.0-only
"""What all request bodies share: strict values, null as absent, errors that name the field."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, ValidationError, model_validator
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from sentiric_llama.errors import InvalidArgument
from sentiric_llama.types.ranges import NumberRange, shown

MAX_IGNORED_SHOWN = 16
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_ALLOWED = {
    "string_type": "a string",
    "bool_type": "true or false",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "list_type": "a list",
}
"""pydantic's kind of a type error -> what is allowed, in our words."""


class Body(BaseModel):
    """A JSON object. Fields that are null count as absent, unknown ones are ignored."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True, hide_input_in_errors=True)

    unsupported: ClassVar[Mapping[str, tuple[Any, ...]]] = {}
    """Fields that would change the answer and cannot -> values that ask for nothing."""
    without_effect: ClassVar[frozenset[str]] = frozenset()
    """Fields that clients send and that change nothing here."""

    @model_validator(mode="before")
    @classmethod
    def _begin(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        for name, neutral in cls.unsupported.items():
            value = values.get(name)
            if value is not None and value not in neutral:
                raise refused("this field is not supported; leave it out", name)
        return {name: value for name, value in values.items() if value is not None}

    @classmethod
    def parse(cls, values: dict[str, Any]) -> Self:
        """The checked body. Raises InvalidArgument with the field in `where`."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise _first_problem(error) from None

    @classmethod
    def unknown(cls, values: Mapping[str, Any]) -> list[str]:
        """Names of fields that nobody knows, sorted."""
        known = cls.model_fields.keys() | cls.without_effect | cls.unsupported.keys()
        return sorted(values.keys() - known)

    @classmethod
    def ignored_header(cls, values: Mapping[str, Any]) -> dict[str, str]:
        """`x-ignored-fields` for an answer: what was given, known or not, and had no effect."""
        given = {name: value for name, value in values.items() if value is not None}
        names = {*cls.unknown(given), *(cls.without_effect & given.keys())}
        shown_names = [name for name in sorted(names) if _NAME.fullmatch(name)]
        if not shown_names:
            return {}
        return {"x-ignored-fields": ", ".join(shown_names[:MAX_IGNORED_SHOWN])}


class InRange:
    """Marks a number: 3.0 is an integer, "3" and true are none. For `Annotated`."""

    def __init__(self, limits: NumberRange) -> None:
        self._limits = limits

    def __get_pydantic_core_schema__(self, _source: Any, _handler: Any) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._limits.check)

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        limits = self._limits
        low = "exclusiveMinimum" if limits.low_open else "minimum"
        kind = "integer" if limits.integer else "number"
        return {"type": kind, low: limits.low, "maximum": limits.high}


class CheckedBy:
    """Marks a value that a function of ours checks and converts. For `Annotated`."""

    def __init__(self, check: Callable[[Any], Any], schema: Mapping[str, Any]) -> None:
        self._check = check
        self._schema = dict(schema)

    def __get_pydantic_core_schema__(self, _source: Any, _handler: Any) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._check)

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return self._schema


def refused(what: str, field: str = "") -> PydanticCustomError:
    """The error of a check that sees more than the one field it speaks of."""
    return PydanticCustomError("refused", "{what}", {"what": what, "field": field})


def _first_problem(error: ValidationError) -> InvalidArgument:
    """In our shape: which field, what was got, what is allowed."""
    problem = error.errors(include_url=False)[0]
    kind, context = problem["type"], problem.get("ctx", {})
    path = [str(part) for part in problem["loc"]]
    if kind == "refused":
        path += [context["field"]] if context["field"] else []
        return InvalidArgument(context["what"], where=".".join(path))
    where = ".".join(path)
    cause = context.get("error")
    if isinstance(cause, InvalidArgument):
        return InvalidArgument(cause.what, where=where)
    if kind == "missing":
        return InvalidArgument("required; got nothing", where=where)
    got = shown(problem["input"])
    return InvalidArgument(f"got {got}, allowed {_allowed(kind, context)}", where=where)


def _allowed(kind: str, context: Mapping[str, Any]) -> str:
    if kind == "literal_error":
        words: str = context["expected"]
        return words.replace("'", "").replace(" or ", " | ").replace(", ", " | ")
    if kind == "too_long":
        return f"at most {context['max_length']} items"
    if kind == "too_short":
        return f"at least {context['min_length']} item"
    return _ALLOWED.get(kind, "another value")
