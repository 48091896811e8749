# SPDX-License-Identifier: AGPL-3.0-only
"""The base of all request bodies: strict types, null as absent, errors that name the field."""

from __future__ import annotations

import functools
import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, ValidationError, model_validator
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from sentiric_llama.errors import InvalidArgument
from sentiric_llama.http.schema_rules import LazySchema, Rules, made
from sentiric_llama.service.request_fields import MAX_SHOWN, check_supported, named, safe_name
from sentiric_llama.types.ranges import NumberRange, shown, shown_word

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

    model_config = ConfigDict(
        strict=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        defer_build=True,  # bases and parts of a body are never checked by themselves
    )

    unsupported: ClassVar[Mapping[str, tuple[Any, ...]]] = {}
    """Unsupported fields that would change the answer -> the values that request nothing."""
    others: ClassVar[Mapping[str, tuple[Any, ...]]] = {}
    """The same for fields of neighbouring bodies, as far as this one has none with their name."""
    without_effect: ClassVar[frozenset[str]] = frozenset()
    """Fields that clients send and that have no effect here."""
    nested: ClassVar[Mapping[str, type[Body]]] = {}
    """Fields that hold an object, or a list of them -> what such an object may contain."""
    rules: ClassVar[Rules] = ()
    """What the JSON schema says beyond single fields. Those of base classes hold as well."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Every optional field may be null, and no default is null; with all rules."""
        found = handler(core)
        model = handler.resolve_ref_schema(found)
        fields = model.get("properties", {})
        for name in fields:
            fields[name].pop("title", None)
            if name not in model.get("required", ()):
                fields[name] = _or_null(fields[name])
            else:
                fields[name].pop("default", None)
        if rules := [rule for kind in cls.__mro__ for rule in vars(kind).get("rules", ())]:
            model["allOf"] = [made(rule) for rule in rules]
        return found

    @model_validator(mode="before")
    @classmethod
    def _begin(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        for name, neutral in _refused(cls).items():
            try:
                check_supported(name, values.get(name), neutral)
            except InvalidArgument as error:
                raise refused(error.what, name) from None
        return {name: value for name, value in values.items() if value is not None}

    @classmethod
    def parse(cls, values: dict[str, Any], *, strict: bool = False) -> Self:
        """The checked body. Raises InvalidArgument with the field in `where`.

        `strict` refuses unknown fields.
        """
        try:
            body = cls.model_validate(values)
        except ValidationError as error:
            raise _first_problem(error) from None
        if strict and (unknown := next(cls.unknown(values), None)):
            raise InvalidArgument(f"unknown field; got {unknown!r}", where="body")
        return body

    @classmethod
    def read(cls, values: dict[str, Any], *, strict: bool) -> tuple[Self, dict[str, str]]:
        """The checked body, and the header that names its ignored fields."""
        return cls.parse(values, strict=strict), cls.ignored_header(values)

    @classmethod
    def unknown(cls, values: Mapping[str, Any], path: str = "") -> Iterator[str]:
        """Paths of unknown fields, also of nested objects: `messages.0.zeta`."""
        known = _effective(cls) | cls.without_effect
        yield from (path + safe_name(name) for name in sorted(values.keys() - known))
        for inner, kind, place in cls._inner(values, path):
            yield from kind.unknown(inner, place)

    @classmethod
    def ignored(cls, values: Mapping[str, Any], path: str = "") -> Iterator[str]:
        """Paths of the fields, known or not, that had no effect. null counts as absent."""
        extra = (name for name in values.keys() - _effective(cls) if values[name] is not None)
        if names := {*extra, *cls.unused(values)}:  # most messages have none
            first = heapq.nsmallest(MAX_SHOWN + 1, names)  # no more are shown
            yield from (path + safe_name(name) for name in first)
        for inner, kind, place in cls._inner(values, path):
            yield from kind.ignored(inner, place)

    @classmethod
    def ignored_header(cls, values: Mapping[str, Any]) -> dict[str, str]:
        """`x-ignored-fields` for the response."""
        text = named(cls.ignored(values))
        return {"x-ignored-fields": text} if text else {}

    @classmethod
    def _inner(
        cls, values: Mapping[str, Any], path: str
    ) -> Iterator[tuple[dict[str, Any], type[Body], str]]:
        """The nested objects, each with its model and its path."""
        for name, kind in cls.nested.items():
            value = values.get(name)
            if isinstance(value, dict):
                yield value, kind, f"{path}{name}."
            for index, item in enumerate(value if isinstance(value, list) else ()):
                if isinstance(item, dict):
                    yield item, kind, f"{path}{name}.{index}."

    @classmethod
    def unused(cls, given: Mapping[str, Any]) -> Iterable[str]:
        """Known fields that have no effect with these values of the others."""
        return ()


@functools.cache
def _refused(kind: type[Body]) -> Mapping[str, tuple[Any, ...]]:
    """Fields that are refused unless their values request nothing."""
    own = {info.alias or name for name, info in kind.model_fields.items()} | kind.without_effect
    others = {name: neutral for name, neutral in kind.others.items() if name not in own}
    return {**others, **kind.unsupported}


@functools.cache
def _effective(kind: type[Body]) -> frozenset[str]:
    """The names, as sent, of the fields that are read."""
    names = {info.alias or name for name, info in kind.model_fields.items()}
    return frozenset(names | _refused(kind).keys())


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

    def __init__(self, check: Callable[[Any], Any], schema: LazySchema) -> None:
        self._check = check
        self._schema = schema

    def __get_pydantic_core_schema__(self, _source: Any, _handler: Any) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._check)

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return dict(made(self._schema))


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
    got = shown_word(problem["input"]) if kind == "literal_error" else shown(problem["input"])
    return InvalidArgument(f"got {got}, allowed {_allowed(kind, context)}", where=where)


def _allowed(kind: str, context: Mapping[str, Any]) -> str:
    if kind == "literal_error":
        words: str = context["expected"]
        return words.replace("'", "").replace(" or ", " | ").replace(", ", " | ")
    if kind == "too_long":
        return f"at most {context['max_length']} items"
    if kind == "too_short":
        return f"at least {context['min_length']} item"
    if kind == "string_too_long":
        return f"at most {context['max_length']} characters"
    if kind == "string_too_short":
        return f"at least {context['min_length']} character"
    return _ALLOWED.get(kind, "another value")
