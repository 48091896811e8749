# SPDX-License-Identifier: AGPL-3.0-only
"""The JSON schema of a tool's arguments, as grammars need it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sentiric_llama.errors import InvalidArgument
from sentiric_llama.types import Tool

ANY_OBJECT = {"type": "object"}


def arguments_schema(tool: Tool) -> dict[str, Any]:
    """The schema of the arguments, which are an object; without one, there are none.

    Raises InvalidArgument if no object is allowed.
    """
    if not tool.parameters:
        return ANY_OBJECT | {"additionalProperties": False}
    schema = json.loads(tool.parameters)
    if schema is True:
        return ANY_OBJECT
    if not isinstance(schema, dict):
        raise InvalidArgument("allowed a JSON schema of an object", where="parameters")
    kinds = schema.get("type", "object")
    if "object" not in (kinds if isinstance(kinds, list) else [kinds]):
        raise InvalidArgument('the type of the arguments must be "object"', where="parameters.type")
    return schema | ANY_OBJECT


def named(tools: Sequence[Tool]) -> list[tuple[str, dict[str, Any]]]:
    """Names and schemas. Raises InvalidArgument at `tools.<index>...`."""
    found = []
    for index, tool in enumerate(tools):
        try:
            found.append((tool.name, arguments_schema(tool)))
        except InvalidArgument as error:
            raise InvalidArgument(error.what, where=f"tools.{index}.{error.where}") from None
    return found


def quoted(name: str) -> str:
    """The name as a JSON string, as models and templates write it."""
    return json.dumps(name, ensure_ascii=False)
