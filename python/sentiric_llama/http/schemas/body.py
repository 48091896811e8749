# SPDX-License-Identifier: AGPL-3.0-only
"""The base of all request bodies: strict types, null as absent, errors that name the field."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
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
"""pydantic's type of an error -> what is allowed, for the message."""


class Body(BaseModel):
    """A JSON object. A null field counts as absent; an unknown one is ignored and reported."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True, hide_input_in_errors=True)

    unsupported: ClassVar[Mapping[str, tuple[Any, ...]]] = {}
    """Unsupported fields that would change the answer -> the values that request nothing."""
    without_effect: ClassVar[frozenset[str]] = frozenset()
    """Fields that clients send and that have no effect here."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Every optional field may be null, and no default is null."""
        found = handler(core)
        model = handler.resolve_ref_schema(found)
        fields = model.get("properties", {})
        for name in fields:
            fields[name].pop("title", None)
            if name not in model.get("required", ()):
                fields[name] = _or_null(fields[name])
            else:
                fields[name].pop("default", None)
        return found

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
    def parse(cls, values: dict[str, Any], *, strict: bool = False) -> Self:
        """The checked body. Raises InvalidArgument with the field in `where`.

        `strict` refuses unknown fields.
        """
        if strict and (unknown := cls.unknown(values)):
            raise InvalidArgument(f"unknown field; got {unknown[0][:60]!r}", where="body")
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise _first_problem(error) from None

    @classmethod
    def read(cls, values: dict[str, Any], *, strict: bool) -> tuple[Self, dict[str, str]]:
        """The checked body, and the header that names its ignored fields."""
        return cls.parse(values, strict=strict), cls.ignored_header(values)

    @classmethod
    def unknown(cls, values: Mapping[str, Any]) -> list[str]:
        """Names of unknown fields, sorted."""
        known = cls.model_fields.keys() | cls.without_effect | cls.unsupported.keys()
        return sorted(values.keys() - known)

    @classmethod
    def ignored_header(cls, values: Mapping[str, Any]) -> dict[str, str]:
        """`x-ignored-fields` for the response: the fields, known or not, that had no effect."""
        given = {name: value for name, value in values.items() if value is not None}
        names = {*cls.unknown(given), *(cls.without_effect & given.keys()), *cls.unused(given)}
        shown_names = [name for name in sorted(names) if _NAME.fullmatch(name)]
        if not shown_names:
            return {}
        return {"x-ignored-fields": ", ".join(shown_names[:MAX_IGNORED_SHOWN])}

    @classmethod
    def unused(cls, given: Mapping[str, Any]) -> Iterable[str]:
        """Known fields that have no effect with these values of the others."""
        return ()


class InRange:
    """For `Annotated`: a number in a range. 3.0 is an integer; "3" and true are not numbers."""

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
    """For `Annotated`: a value that a function checks and converts."""

    def __init__(self, check: Callable[[Any], Any], schema: Mapping[str, Any]) -> None:
        self._check = check
        self._schema = dict(schema)

    def __get_pydantic_core_schema__(self, _source: Any, _handler: Any) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._check)

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return self._schema


def _or_null(field: dict[str, Any]) -> dict[str, Any]:
    """The schema of a field that may also be null."""
    kind = dict(field)
    about = {key: kind.pop(key) for key in ("description", "default") if key in kind}
    if about.get("default", "") is None:
        del about["default"]
    kinds = kind.pop("anyOf", None) or [kind]
    null = {"type": "null"}
    return about | {"anyOf": [*kinds, *([] if null in kinds else [null])]}


def refused(what: str, field: str = "") -> PydanticCustomError:
    """An error for `field`, raised by a validator of the whole object."""
    return PydanticCustomError("refused", "{what}", {"what": what, "field": field})


def _first_problem(error: ValidationError) -> InvalidArgument:
    """The first error as InvalidArgument: the field, what was sent, what is allowed."""
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
        return InvalidArgument("this field is required", where=where)
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
