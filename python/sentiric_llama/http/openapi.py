# SPDX-License-Identifier: AGPL-3.0-only
"""The API as an OpenAPI 3.1 document, made from the routes and the models of their JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from sentiric_llama.access.rights import Access
from sentiric_llama.host.product import version
from sentiric_llama.http.anthropic.answer import MessagesError
from sentiric_llama.http.anthropic.errors import status_of
from sentiric_llama.http.field_meanings import MEANINGS, meaning
from sentiric_llama.http.middleware.guard import GuardedRoute
from sentiric_llama.http.operations import OPERATIONS, Models, Operation
from sentiric_llama.http.schemas.body import Body
from sentiric_llama.http.statuses import ALWAYS, COMPUTING, NAMED, STATUS_MEANINGS, WITH_KEY
from sentiric_llama.log.trace import ID_PATTERN

STATIC = "/static/"
"""Files of the page, which are not part of the API."""
_VISIBLE = r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029\ufffd]+$"
"""What a path may hold: no control characters, and no mark of bytes that are no UTF-8."""
GROUPS: Mapping[str, tuple[str, ...]] = {
    "Chat completions": ("/v1/chat/", "/chat/"),
    "Responses": ("/v1/responses",),
    "Messages": ("/v1/messages",),
    "Completions": ("/v1/completions",),
    "Embeddings": ("/v1/embeddings",),
    "Tokens": ("/tokenize", "/detokenize"),
    "Models": ("/v1/models", "/v1/profiles", "/v1/hardware"),
    "Health and statistics": ("/health", "/v1/health", "/v1/stats"),
    "Requests and pages": ("/",),
}
"""Group of the page and of clients that are made from the document -> how its paths begin."""
PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "id": {"type": "string", "pattern": f"^{ID_PATTERN}$"},
    "name": {"type": "string", "pattern": _VISIBLE},
}
"""Name in a path -> its schema."""


def openapi(routes: Iterable[GuardedRoute]) -> dict[str, Any]:
    """The document of these routes."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        path = route.path.replace(":path}", "}")
        for method in sorted((route.methods or set()) - {"HEAD"}):
            if not path.startswith(STATIC):
                operation = OPERATIONS[method, path]
                paths.setdefault(path, {})[method.lower()] = _operation(
                    operation, method, path, route.needs
                )
    return {
        "openapi": "3.1.0",
        "info": {"title": "sentiric-llm-llama-service", "version": version()},
        "tags": [{"name": name} for name in GROUPS],
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "responses": _refusals(),
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
    _describe(found)
    return found


def _describe(schema: Any) -> None:
    """Says what the fields of requests mean, also within objects that are part of a field."""
    for part in schema.values() if isinstance(schema, dict) else schema:
        if isinstance(part, dict | list):
            _describe(part)
    if isinstance(schema, dict) and (kind := _kind_of(schema)) is not None:
        for name, field in schema["properties"].items():
            if told := meaning(kind, name, links=False):
                field.setdefault("description", told)


def _kind_of(schema: Mapping[str, Any]) -> type[Body] | None:
    """The model that an object's title names; two APIs may have one of the same name."""
    title, fields = schema.get("title"), schema.get("properties")
    if not isinstance(title, str) or not isinstance(fields, dict):
        return None
    kinds = (kind for kind in MEANINGS if kind.__name__ == title)
    return next((kind for kind in kinds if all(meaning(kind, name) for name in fields)), None)


def _operation(what: Operation, method: str, path: str, needs: Access) -> dict[str, Any]:
    words, is_public = re.findall(r"\w+", path), needs is Access.PUBLIC
    found: dict[str, Any] = {
        "summary": what.summary,
        "operationId": "_".join((method.lower(), *words)),
        "tags": [_group_of(path)],
        "security": [] if is_public else [{"key": []}],
        "x-roles": [] if is_public else list(dict.fromkeys((*needs.roles, "admin"))),
        "responses": _responses(what, has_name="{" in path, is_public=is_public),
    }
    if names := re.findall(r"{(\w+)", path):
        found["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": dict(PARAMETERS[name])}
            for name in names
        ]
    if what.body is not None:
        found["requestBody"] = {"required": True, "content": _json((what.body,))}
    return found


def _group_of(path: str) -> str:
    """The first group that has a beginning of the path."""
    return next(name for name, heads in GROUPS.items() if path.startswith(heads))


def _refusals() -> dict[str, Any]:
    """Every refusal, in the format of each API, by the name that `_refusal` gives it."""
    errors = dict.fromkeys(operation.error for operation in OPERATIONS.values())
    return {
        _name_of(_told(status, error), error): {"description": text, "content": _json((error,))}
        for error in errors
        for status, text in STATUS_MEANINGS.items()
    }


def _told(status: int, error: type[BaseModel]) -> int:
    """The status as the API with these errors tells it."""
    return status_of(status) if error is MessagesError else status


def _name_of(status: int, error: type[BaseModel]) -> str:
    return f"{error.__name__}{status}"


def _statuses(what: Operation, *, has_name: bool, is_public: bool) -> list[int]:
    """With what it may be refused, in ascending order."""
    found = {*ALWAYS, *(() if is_public else WITH_KEY), *(COMPUTING if what.computes else ())}
    names_model = what.body is not None and "model" in what.body.model_fields
    if has_name or names_model or what.may_miss:
        found.update(NAMED)
    return sorted({_told(status, what.error) for status in found} - what.failures.keys())


def _responses(what: Operation, *, has_name: bool, is_public: bool) -> dict[str, Any]:
    content = _json(what.answer) if what.answer else {}
    if what.events:
        content["text/event-stream"] = {"schema": _one_of(what.events)}
    if what.media_type:
        kind = "object" if what.media_type == "application/json" else "string"
        content[what.media_type] = {"schema": {"type": kind}}
    success = {"200": {"description": "success", "content": content}}
    found: dict[str, Any] = success if what.succeeds else {}
    for status, models in what.failures.items():
        content = _json((*models, what.error))
        found[str(status)] = {"description": STATUS_MEANINGS[status], "content": content}
    for status in _statuses(what, has_name=has_name, is_public=is_public):
        found[str(status)] = {"$ref": f"#/components/responses/{_name_of(status, what.error)}"}
    return dict(sorted(found.items()))


def _json(models: Models) -> dict[str, Any]:
    return {"application/json": {"schema": _one_of(models)}}


def _one_of(models: Models) -> dict[str, Any]:
    references = [{"$ref": f"#/components/schemas/{model.__name__}"} for model in models]
    return references[0] if len(references) == 1 else {"anyOf": references}
