# SPDX-License-Identifier: AGPL-3.0-only
"""The page of an OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from sentiric_llama.http.documentation.markup import Markup, element, joined, link, sentences
from sentiric_llama.http.documentation.operation import Operations, entry

Json = Mapping[str, Any]

_HEAD = (
    "<!doctype html>\n"
    '<html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    '<meta name="color-scheme" content="light dark"><title>{title}</title>'
    '<link rel="icon" href="/static/icon.svg" type="image/svg+xml">'
    '<link rel="stylesheet" href="/static/docs.css"></head>'
)
_ABOUT = """Every operation with its fields, answers, refusals and an example. Bodies are
JSON; a field that is null counts as absent, one that is not known is ignored and named in the
header `x-ignored-fields`. A key goes into `Authorization: Bearer KEY` or `X-Api-Key: KEY`."""


def page_of(document: Json) -> str:
    """HTML that needs no script and only files of this server."""
    title = f"API of {document['info']['title']}"
    groups = grouped(document)
    operations = Operations(document)
    head = Markup(_HEAD.format(title=escape(title)))
    body = element("body", _header(title, document), _contents(groups), _main(groups, operations,
                                                                             document))  # fmt: skip
    return f"{head}{body}</html>\n"


def grouped(document: Json) -> dict[str, list[tuple[str, str, Json]]]:
    """Group -> its operations: method, path, what the document says. In the order of the tags."""
    found: dict[str, list[tuple[str, str, Json]]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            found[operation["tags"][0]].append((method, path, operation))
    return {name: operations for name, operations in found.items() if operations}


def _header(title: str, document: Json) -> Markup:
    links = element(
        "p", f"Version {document['info']['version']} · ", link("OpenAPI 3.1", "/openapi.json"),
        " · ", link("Chat", "/"),
    )  # fmt: skip
    return element("header", element("h1", title), links, sentences(_ABOUT))


def _contents(groups: Mapping[str, list[tuple[str, str, Json]]]) -> Markup:
    parts = [
        joined(element("h2", name), element("ul", *(entry(*each) for each in operations)))
        for name, operations in groups.items()
    ]
    return element("nav", *parts, aria_label="Contents")


def _main(
    groups: Mapping[str, list[tuple[str, str, Json]]], operations: Operations, document: Json
) -> Markup:
    sections = [
        element("section", element("h2", name), *(operations.write(*each) for each in found))
        for name, found in groups.items()
    ]
    names = sorted(document["components"]["schemas"])
    schemas = element("section", element("h2", "Objects"), *map(operations.schema, names))
    return element("main", *sections, schemas)
