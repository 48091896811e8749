# SPDX-License-Identifier: AGPL-3.0-only
"""Two judges of JSON texts: ajv and jsonschema."""

from __future__ import annotations

import decimal
import json
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
from jsonschema.exceptions import SchemaError
from jsonschema.validators import extend

from grammar.python_patterns import NotComparable, in_python
from grammar.schemas import Schema, rewritten, without_openapi

FOLDER = Path(__file__).parent

# What jsonschema checks as the RFCs say; for the others ajv is the only judge.
FORMATS = ["ipv4", "ipv6", "uuid"]


class NotJson(ValueError):
    """Not a JSON text in which each name of an object appears once."""


def _distinct(members: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(members)
    if len(names) != len(members):
        raise NotJson("a name appears twice")
    return names


def _no_constant(name: str) -> Any:
    raise NotJson(name)


def read(text: str | bytes, *, exact: bool = True) -> Any:
    """The value of a text; numbers with a point are Decimal, or float where not `exact`."""
    try:
        return json.loads(
            text,
            parse_float=Decimal if exact else float,
            parse_constant=_no_constant,
            object_pairs_hook=_distinct,
        )
    except (ValueError, RecursionError) as error:
        raise NotJson(str(error)) from error


def _is_number(_checker: Any, value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _is_integer(checker: Any, value: Any) -> bool:
    return _is_number(checker, value) and value == int(value)


def _exact(base: Any) -> Any:
    types = base.TYPE_CHECKER.redefine_many({"number": _is_number, "integer": _is_integer})
    return extend(base, type_checker=types)


_VALIDATORS = {
    "2020-12": _exact(jsonschema.Draft202012Validator),
    "draft-07": _exact(jsonschema.Draft7Validator),
}


def _python_dialect(schema: dict[str, Any]) -> Schema:
    new = dict(schema)
    if new.get("format", FORMATS[0]) not in [*FORMATS, "unknown-format"]:
        raise NotComparable(new["format"])
    if "pattern" in new:
        new["pattern"] = in_python(new["pattern"])
    if "patternProperties" in new:
        new["patternProperties"] = {
            in_python(pattern): inner for pattern, inner in new["patternProperties"].items()
        }
    return new


def ask_jsonschema(dialect: str, schema: Schema, texts: list[str]) -> list[bool | None]:
    """Verdicts, None where this judge cannot tell."""
    unknown: list[bool | None] = [None] * len(texts)
    try:
        validator = _VALIDATORS[dialect](
            rewritten(read(json.dumps(schema)), _python_dialect),
            format_checker=jsonschema.FormatChecker(FORMATS),
        )
        with decimal.localcontext(decimal.Context(prec=2000)):
            return [validator.is_valid(read(text)) for text in texts]
    except (NotComparable, SchemaError, RecursionError):
        return unknown


def _ajv_errs(schema: Schema) -> bool:
    """Whether ajv 8.20 is known to be wrong: it takes "" for a name that is there, forgets
    `contains` in arrays beside and within others, and does not count items as evaluated that may
    be anything.
    """
    words: set[str] = set()

    def look(inner: dict[str, Any]) -> Schema:
        needed = [inner.get("required"), *inner.get("dependentRequired", {}).values()]
        needed += inner.get("dependencies", {}).values()
        if any(isinstance(names, list) and "" in names for names in needed):
            words.add("empty name")
        words.update(inner)
        return inner

    rewritten(schema, look)
    has_items = not words.isdisjoint({"items", "prefixItems"})
    has_others = not words.isdisjoint({"contains", "unevaluatedItems"})
    return "empty name" in words or (has_items and has_others)


class Judges:
    """Both. Close it: a node process runs behind it. One thread at a time."""

    def __init__(self) -> None:
        self._node = subprocess.Popen(
            ["node", str(FOLDER / "judge.mjs")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def close(self) -> None:
        assert self._node.stdin
        self._node.stdin.close()
        self._node.wait()

    def __enter__(self) -> Judges:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def verdicts(self, dialect: str, schema: Schema, texts: list[str]) -> list[list[bool]]:
        """For each text what the judges say who can tell."""
        if dialect == "openapi-3.0":
            dialect, schema = "draft-07", without_openapi(schema)
        first = self._ask_ajv(dialect, schema, texts)
        if first is None:
            return [[] for _ in texts]
        # Where ajv does not come to an end, jsonschema brings the process down.
        second = ask_jsonschema(dialect, schema, texts) if None not in first else first
        if _ajv_errs(schema):
            first = [None] * len(texts)
        return [
            [one for one in pair if one is not None] for pair in zip(first, second, strict=True)
        ]

    def _ask_ajv(self, dialect: str, schema: Schema, texts: list[str]) -> list[bool | None] | None:
        """None where it refuses the schema."""
        assert self._node.stdin and self._node.stdout
        question = {"dialect": dialect, "schema": schema, "texts": texts}
        self._node.stdin.write(json.dumps(question) + "\n")
        self._node.stdin.flush()
        answer = json.loads(self._node.stdout.readline())
        return answer.get("verdicts")
