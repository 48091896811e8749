# SPDX-License-Identifier: AGPL-3.0-only
"""docs/http-fields.md: its tables name every field, and bodies treat them as it says."""

from __future__ import annotations

import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from page_examples import Page
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.http.app import api_routes
from sentiric_llama.http.field_meanings import MEANINGS, meaning
from sentiric_llama.http.openapi import openapi
from sentiric_llama.http.operations import OPERATIONS
from sentiric_llama.http.responses import items
from sentiric_llama.http.schemas.body import Body

GENERATOR = runpy.run_path(str(Path(__file__).parents[3] / "docs" / "field_tables.py"))
TEXT = Page("http-fields.md").text
BODIES = list(dict.fromkeys(op.body for op in OPERATIONS.values() if op.body is not None))
OBJECTS: list[type[Body]] = GENERATOR["inner_objects"](BODIES)
USER = [{"role": "user", "content": "hi"}]
MODELS = openapi(api_routes())["components"]["schemas"]
LEAST: dict[str, dict[str, Any]] = {
    "ChatBody": {"messages": USER},
    "MessagesBody": {"messages": USER},
    "ResponsesBody": {"input": "hi"},
    "CompletionsBody": {"prompt": "hi"},
    "EmbeddingsBody": {"input": "hi"},
    "TokenizeBody": {"content": "hi"},
    "DetokenizeBody": {"tokens": [1]},
    "SwitchBody": {"profile": "a"},
    "HardwareBody": {},
}


def rows(title: str, mark: str) -> dict[str, str]:
    """The fields of a section's table -> what happens to each."""
    (section,) = re.findall(rf"^{mark} {title}\n(.*?)(?=^##|\Z)", TEXT, re.MULTILINE | re.DOTALL)
    found = re.findall(r"^\| (`.*?`) \| (.*?) \|", section, re.MULTILINE)
    return {name: what for names, what in found for name in re.findall(r"`(\w+)`", names)}


def rows_of(body: type[Body]) -> dict[str, str]:
    """The fields of a body, those that it shares with others included."""
    titles, shared = GENERATOR["TITLES"], GENERATOR["SHARED"]
    found: dict[str, str] = {}
    for kind in (*(base for base in shared if issubclass(body, base)), body):
        found |= rows(titles[kind], "##")
    return found


FIELDS = [(body, name, what) for body in BODIES for name, what in rows_of(body).items()]


@pytest.mark.parametrize("body", BODIES)
def test_every_field_of_a_body_has_a_row(body: type[Body]) -> None:
    sent = {info.alias or name for name, info in body.model_fields.items()}
    known = sent | body.without_effect | body.unsupported.keys()
    assert known <= rows_of(body).keys()


@pytest.mark.parametrize("kind", OBJECTS)
def test_every_field_of_an_object_has_a_row(kind: type[Body]) -> None:
    sent = {info.alias or name for name, info in kind.model_fields.items()}
    known = sent | kind.without_effect | kind.unsupported.keys()
    assert known <= rows(GENERATOR["_name"](kind), "###").keys()


@pytest.mark.parametrize(("body", "name", "what"), FIELDS)
def test_what_happens_to_a_field(body: type[Body], name: str, what: str) -> None:
    """A value that no field takes is refused where it is read, and ignored where it is not."""
    sent = LEAST[body.__name__] | {name: {"": [{}]}}
    if what.startswith(("ignored", "accepted")):
        body.parse(sent, strict=True)
        named = body.ignored_header(sent).get("x-ignored-fields", "")
        assert (name in named.split(", ")) == what.startswith("ignored")
        return
    if what == "obeyed" and takes_any_object(body, name):
        body.parse(LEAST[body.__name__] | {name: {}})
        sent[name] = 1
    with pytest.raises(InvalidArgument) as caught:
        body.parse(sent)
    assert caught.value.where.partition(".")[0] == name


def takes_any_object(body: type[Body], name: str) -> bool:
    """Schemas, variables for a template, and objects whose unknown fields are ignored."""
    try:
        body.parse(LEAST[body.__name__] | {name: {"": [{}]}})
    except InvalidArgument:
        return False
    return True


def test_every_field_that_is_read_has_a_meaning() -> None:
    silent = [
        f"{kind.__name__}.{info.alias or name}"
        for kind in (*BODIES, *OBJECTS)
        for name, info in kind.model_fields.items()
        if not meaning(kind, info.alias or name)
    ]
    assert not silent, "write them into http/field_meanings.py"


def test_every_meaning_is_of_a_field() -> None:
    for kind, told in MEANINGS.items():
        sent = {info.alias or name for name, info in kind.model_fields.items()}
        known = sent | kind.unsupported.keys() | getattr(kind, "silent", set())
        assert told.keys() <= known, kind


@pytest.mark.parametrize("body", BODIES)
def test_the_document_says_what_every_field_means(body: type[Body]) -> None:
    """Also within the objects of a field, but for rules between fields, which only restrict."""
    silent = [place for place, field in described(body.__name__) if not field.get("description")]
    assert not silent, "write them into http/field_meanings.py, or into the schema of the field"


def test_document_and_page_say_the_same() -> None:
    fields = dict(described("ResponsesBody"))
    said = fields["ResponsesBody.input.arguments"]["description"]
    assert said == meaning(items.FunctionCallItem, "arguments", links=False) != ""


def described(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The place and the schema of every field of a model, and of the objects in it."""
    yield from fields_in(MODELS[name], name, {name})


def fields_in(
    schema: Any, place: str, seen: set[str], *, is_rule: bool = False
) -> Iterator[tuple[str, dict[str, Any]]]:
    """What stands below `allOf` are rules; the objects in them that have a title are not."""
    if not isinstance(schema, dict):
        for part in schema if isinstance(schema, list) else ():
            yield from fields_in(part, place, seen, is_rule=is_rule)
        return
    is_rule = is_rule and "title" not in schema
    model = str(schema.get("$ref", "")).rpartition("/")[2]
    if model and model not in seen:
        yield from fields_in(MODELS[model], model, seen | {model})
    for name, field in schema.get("properties", {}).items():
        if not is_rule:
            yield f"{place}.{name}", field
        yield from fields_in(field, f"{place}.{name}", seen, is_rule=is_rule)
    for word in ("anyOf", "items", "allOf"):
        inner = schema.get(word)
        yield from fields_in(inner, place, seen, is_rule=is_rule or word == "allOf")
