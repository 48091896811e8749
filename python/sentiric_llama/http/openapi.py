# SPDX-License-Identifier: AGPL-3.0-only
"""The API as an OpenAPI 3.1 document, made from the routes and the models of their bodies."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from typing import Any

from pydantic.json_schema import models_json_schema

from sentiric_llama.access.rights import Access
from sentiric_llama.host.product import version
from sentiric_llama.http.middleware.guard import GuardedRoute
from sentiric_llama.http.schemas.admin import SwitchBody
from sentiric_llama.http.schemas.body import Body
from sentiric_llama.http.schemas.chat import ChatBody
from sentiric_llama.http.schemas.tokens import DetokenizeBody, TokenizeBody

BODIES: dict[str, type[Body]] = {
    "/v1/chat/completions": ChatBody,
    "/chat/completions": ChatBody,
    "/tokenize": TokenizeBody,
    "/detokenize": DetokenizeBody,
    "/v1/models/switch": SwitchBody,
}
"""Path of a POST route -> the model of its body."""

_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": ["string", "null"]},
            },
        }
    },
}


def openapi(routes: Iterable[GuardedRoute]) -> dict[str, Any]:
    """The document of these routes."""
    kinds = dict.fromkeys(BODIES.values())
    template = "#/components/schemas/{model}"
    _, schemas = models_json_schema(
        [(kind, "validation") for kind in kinds], ref_template=template, by_alias=True
    )
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        for method in sorted((route.methods or set()) - {"HEAD"}):
            path = route.path.replace(":path}", "}")
            paths.setdefault(path, {})[method.lower()] = _operation(route, method)
    return {
        "openapi": "3.1.0",
        "info": {"title": "sentiric-llm-llama-service", "version": version()},
        "paths": paths,
        "components": {
            "schemas": {**schemas["$defs"], "Error": _ERROR},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(route: GuardedRoute, method: str) -> dict[str, Any]:
    text = inspect.getdoc(route.endpoint) or route.name
    found: dict[str, Any] = {
        "summary": text.split("\n")[0],
        "security": [] if route.needs is Access.PUBLIC else [{"key": []}],
        "responses": {
            "200": {"description": "done"},
            "default": {
                "description": "refused or failed",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
            },
        },
    }
    names = re.findall(r"{(\w+)", route.path)
    if names:
        found["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in names
        ]
    kind = BODIES.get(route.path) if method == "POST" else None
    if kind is not None:
        reference = {"$ref": f"#/components/schemas/{kind.__name__}"}
        found["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": reference}},
        }
    return found
