# SPDX-License-Identifier: AGPL-3.0-only
"""The API as an OpenAPI 3.1 document, made from the routes and the models of their JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from sentiric_llama.access.rights import Access
from sentiric_llama.host.product import version
from sentiric_llama.http.middleware.guard import GuardedRoute
from sentiric_llama.http.operations import OPERATIONS, Models, Operation

STATIC = "/static/"
"""Files of the page, which are not part of the API."""
_FAILED = "refused or failed"


def openapi(routes: Iterable[GuardedRoute]) -> dict[str, Any]:
    """The document of these routes."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        path = route.path.replace(":path}", "}")
        for method in sorted((route.methods or set()) - {"HEAD"}):
            if not path.startswith(STATIC):
                operation = OPERATIONS[method, path]
                paths.setdefault(path, {})[method.lower()] = _operation(
                    operation, method, path, is_public=route.needs is Access.PUBLIC
                )
    return {
        "openapi": "3.1.0",
        "info": {"title": "sentiric-llm-llama-service", "version": version()},
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def _schemas() -> dict[str, Any]:
    """The schemas of all models by name."""
    kinds: dict[type[BaseModel], None] = {}
    for operation in OPERATIONS.values():
        kinds |= dict.fromkeys((operation.error, *operation.answer, *operation.events))
        for models in operation.failures.values():
            kinds |= dict.fromkeys(models)
        if operation.body is not None:
            kinds[operation.body] = None
    _, schemas = models_json_schema(
        [(kind, "validation") for kind in kinds],
        ref_template="#/components/schemas/{model}",
        by_alias=True,
    )
    found: dict[str, Any] = schemas["$defs"]
    return found


def _operation(what: Operation, method: str, path: str, *, is_public: bool) -> dict[str, Any]:
    words = re.findall(r"\w+", path)
    found: dict[str, Any] = {
        "summary": what.summary,
        "operationId": "_".join((method.lower(), *words)),
        "security": [] if is_public else [{"key": []}],
        "responses": _responses(what),
    }
    if names := re.findall(r"{(\w+)", path):
        found["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in names
        ]
    if what.body is not None:
        found["requestBody"] = {"required": True, "content": _json((what.body,))}
    return found


def _responses(what: Operation) -> dict[str, Any]:
    content = _json(what.answer) if what.answer else {}
    if what.events:
        content["text/event-stream"] = {"schema": _one_of(what.events)}
    if what.media_type:
        kind = "object" if what.media_type == "application/json" else "string"
        content[what.media_type] = {"schema": {"type": kind}}
    success = {"200": {"description": "success", "content": content}}
    found: dict[str, Any] = success if what.succeeds else {}
    for status, models in what.failures.items():
        found[str(status)] = {"description": _FAILED, "content": _json((*models, what.error))}
    return found | {"default": {"description": _FAILED, "content": _json((what.error,))}}


def _json(models: Models) -> dict[str, Any]:
    return {"application/json": {"schema": _one_of(models)}}


def _one_of(models: Models) -> dict[str, Any]:
    references = [{"$ref": f"#/components/schemas/{model.__name__}"} for model in models]
    return references[0] if len(references) == 1 else {"anyOf": references}
