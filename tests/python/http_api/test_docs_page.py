# SPDX-License-Identifier: AGPL-3.0-only
"""The page of the OpenAPI document: complete, well formed, without scripts or foreign files."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from sentiric_llama.http.app import api_routes
from sentiric_llama.http.documentation.markup import Markup, element, sentences
from sentiric_llama.http.documentation.page import page_of
from sentiric_llama.http.documentation.samples import sample
from sentiric_llama.http.openapi import openapi
from sentiric_llama.http.operations import OPERATIONS

DOCUMENT = openapi(api_routes())
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
PAGE = page_of(DOCUMENT)
VOID = ("meta", "link")
OPERATION = [
    (method, path, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]


class Outline(HTMLParser):
    """What the page is made of. Raises AssertionError where an element does not end."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.names: set[str] = set()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "src"):
                self.links.append(value or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def outline(text: str = PAGE) -> Outline:
    found = Outline()
    found.feed(text)
    found.close()
    assert not found.open
    return found


def test_it_is_served_to_everybody_with_its_policy(start: Any) -> None:
    server = start(api_key="secret")
    reply = server.get("/docs")
    assert reply.status == 200 and reply.body.decode() == PAGE
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    policy = reply.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'") and "script" not in policy
    assert reply.headers["x-content-type-options"] == "nosniff"
    for target in set(outline().links):
        if target.startswith("/static/"):
            assert server.get(target).status == 200
    assert '<a href="/docs"' in server.get("/").body.decode()


def test_it_needs_no_script_and_nothing_from_elsewhere() -> None:
    found = outline()
    assert found.names.isdisjoint({"script", "style", "iframe", "img", "object", "form", "input"})
    assert not {name for name in found.attributes if name.startswith("on") or name == "style"}
    assert all(re.match(r"[#/]", target) for target in found.links)
    assert set(re.findall(r"https?://[^\s/:]+", PAGE)) <= {"http://127.0.0.1"}


def test_every_link_has_a_target_and_every_id_is_there_once() -> None:
    found = outline()
    assert len(set(found.ids)) == len(found.ids)
    within = {target[1:] for target in found.links if target.startswith("#")}
    assert within <= set(found.ids)
    assert {operation["operationId"] for _, _, operation in OPERATION} <= within


def test_it_has_every_operation_field_and_status() -> None:
    assert len(OPERATION) == len(OPERATIONS) > 30
    for method, path, operation in OPERATION:
        text = PAGE.split(f'<div id="{operation["operationId"]}">')[1]
        text = text.split('class="operation"')[0].split("<h2>")[0]
        assert f">{method.upper()}</span><code>{path}</code>" in PAGE
        body = OPERATIONS[method.upper(), path].body
        for name in SCHEMAS[body.__name__]["properties"] if body else ():
            assert f"<dt><code>{name}</code>" in text, (path, name)
        for status in operation["responses"]:
            assert status == "200" or f"<dt><code>{status}</code></dt>" in text, (path, status)
        assert "curl " in text


@pytest.mark.parametrize("name", SCHEMAS)
def test_samples_are_what_their_schemas_allow(name: str) -> None:
    reference = {"$ref": f"#/components/schemas/{name}"}
    Draft202012Validator({**reference, **DOCUMENT}).validate(sample(reference, SCHEMAS))


BODIES = {path: op.body for (_, path), op in OPERATIONS.items() if op.body and op.computes}


@pytest.mark.parametrize("path", BODIES)
def test_the_examples_of_bodies_are_answered(server: Any, path: str) -> None:
    body = BODIES[path]
    assert body is not None
    (example,) = SCHEMAS[body.__name__]["examples"]
    assert json.dumps(example, ensure_ascii=False).replace("'", "'\\''").split('"')[1] in PAGE
    assert server.post(path, example).status == 200


def test_texts_are_escaped() -> None:
    assert element("p", "<b>&", title='"') == '<p title="&quot;">&lt;b&gt;&amp;</p>'
    assert element("p", Markup("<i></i>")) == "<p><i></i></p>"
    assert sentences("a `<b>` c\n\nd") == "<p>a <code>&lt;b&gt;</code> c</p><p>d</p>"
    hostile = {**DOCUMENT, "info": {"title": "<script>", "version": "<img>"}}
    assert outline(page_of(hostile)).names.isdisjoint({"script", "img"})


def test_the_groups_are_in_the_order_of_their_use() -> None:
    titles = re.findall(r"<section><h2>(.*?)</h2>", PAGE)
    assert titles[:-1] == [tag["name"] for tag in DOCUMENT["tags"]]
    first = ["Chat completions", "Responses", "Messages", "Completions", "Embeddings", "Tokens"]
    assert titles[: len(first)] == first and titles[-1] == "Objects"
