# SPDX-License-Identifier: AGPL-3.0-only
"""Notes about schemas: names that the compiler does not know, where it reads schemas."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from sentiric_llama import Grammar, _host
from sentiric_llama.engine.grammar.schema_notes import FORMATS, schema_notes
from sentiric_llama.errors import InvalidGrammar


def notes(schema: Any) -> dict[str, str]:
    return {note.pointer: note.what for note in schema_notes(json.dumps(schema))}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("propertys", "properties"),
        ("minlength", "minLength"),
        ("require", "required"),
        ("additionalproperties", "additionalProperties"),
        ("$def", "$defs"),
        ("zzz", ""),
        ("x" * 100_000, ""),
    ],
    ids=lambda value: value[:20],
)
def test_an_unknown_keyword_gets_a_note(name: str, meant: str) -> None:
    hint = f"; did you mean {meant}?" if meant else ""
    assert notes({name: 1}) == {f"/{name}": f"unknown keyword, without effect{hint}"}


def test_known_names_get_none() -> None:
    assert not notes({name: 1 for name, _ in _host.schema_keywords()})
    assert not notes({"x-order": 1, "x-": 2})
    assert not notes({"properties": {"propertys": {}, "format": {"const": {"typ": 1}}}})
    assert not notes(True)


def test_formats() -> None:
    assert not notes({"anyOf": [{"format": name} for name in FORMATS]})
    found = notes({"anyOf": [{"format": "Date"}, {"format": "int32"}, {"format": 5}]})
    assert found == {
        "/anyOf/0/format": "unknown format 'Date', which is not enforced; did you mean date?",
        "/anyOf/1/format": "unknown format 'int32', which is not enforced",
    }


def test_the_formats_are_those_of_the_compiler() -> None:
    """A format that is enforced refuses a text of blanks; an unknown one does not."""
    for name in FORMATS:
        assert not Grammar.from_json_schema({"format": name}).accepts('" <\\t> "'), name
    assert Grammar.from_json_schema({"format": "int32"}).accepts('" <\\t> "')


BESIDE: dict[str, Any] = {
    "additionalItems": {"items": [True]},
    "if": {"then": {"required": ["a"]}},
    "then": {"if": {"type": "string"}},
    "else": {"if": {"type": "string"}},
}
"""What a keyword needs beside it to have an effect."""


def forms(keyword: str) -> Iterator[tuple[str, Any, str]]:
    yield "schema", {"zzz": 1}, f"/{keyword}/zzz"
    yield "list", [{"zzz": 1}], f"/{keyword}/0/zzz"
    yield "map", {"a": {"zzz": 1}}, f"/{keyword}/a/zzz"


def test_schemas_are_where_the_compiler_reads_them() -> None:
    """Where it refuses a wrong type, a note looks for unknown keywords, and nowhere else."""
    wrong = {"schema": {"type": 5}, "list": [{"type": 5}], "map": {"a": {"type": 5}}}
    for keyword, role in _host.schema_keywords():
        for form, value, pointer in forms(keyword):
            is_read = False
            if role != "refused":
                try:
                    Grammar.from_json_schema(BESIDE.get(keyword, {}) | {keyword: wrong[form]})
                except InvalidGrammar as error:
                    is_read = "allowed null, boolean" in error.what  # as a type, not as a schema
                    is_read &= error.where.endswith(pointer.replace("/zzz", "/type"))
            held = _host.schema_places()[keyword]
            if keyword in ("$defs", "definitions"):  # read where a reference leads to
                is_read = form == "map"
            assert (form in held) == is_read, (keyword, form)
            if held:
                assert (pointer in notes({keyword: value})) == is_read, (keyword, form)


def test_what_a_reference_leads_to_is_a_schema() -> None:
    found = notes({
        "$ref": "#/components/schemas/a~1b%25",
        "components": {"schemas": {"a/b%": {"typ": 1, "$ref": "#/components/schemas/c"},
                                   "c": {"anyOf": [{"$ref": "#"}, {"minlen": 1}]}}},
        "others": {"$ref": "#/nowhere/at/all"},
    })  # fmt: skip
    assert found.keys() == {
        "/others",
        "/components/schemas/a~1b%/typ",
        "/components/schemas/c/anyOf/1/minlen",
    }


def test_the_library_has_them() -> None:
    (note,) = Grammar.from_json_schema({"propertys": {}}).notes()
    assert str(note) == "/propertys: unknown keyword, without effect; did you mean properties?"
    assert Grammar.from_regex("a").notes() == ()
