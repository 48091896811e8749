# SPDX-License-Identifier: AGPL-3.0-only
"""What the grammar of a request leaves to say: a text, a value by a schema, calls."""

from __future__ import annotations

import json
from typing import Any

from sentiric_llama.types import Request

CALL = "<tool_call>"


class Rules:
    """The grammar of one request."""

    def __init__(self, request: Request) -> None:
        self._grammar = request.grammar
        is_structure = self._grammar is not None and self._grammar.kind == "structure"
        self._structure: Any = json.loads(self._grammar.text) if is_structure else None
        self._text = json.dumps(self._structure, ensure_ascii=False)

    @property
    def allows_calls(self) -> bool:
        return self._structure is None or CALL in self._text

    @property
    def allows_text(self) -> bool:
        """False where a call is demanded."""
        return self._structure is None or '"free"' in self._text or bool(self._schemas())

    def allows_call_of(self, name: str) -> bool:
        return self._structure is None or json.dumps(json.dumps(name))[1:-1] in self._text

    @property
    def schema(self) -> Any:
        """Of the text, or None."""
        if self._grammar is not None and self._grammar.kind in ("json_schema", "json_object"):
            return json.loads(self._grammar.text or '{"type": "object"}')
        return next(iter(self._schemas()), None)

    def _schemas(self) -> list[Any]:
        return [] if self._structure is None else list(_outside_calls(self._structure))


def _outside_calls(node: Any) -> list[Any]:
    """Schemas of the text: those of arguments stand behind a mark in a sequence."""
    if "schema" in node:
        given = node["schema"]
        return [json.loads(given) if isinstance(given, str) else given]
    parts = node.get("choice") or node.get("sequence") or []
    if "sequence" in node and any(CALL in str(part.get("text", "")) for part in parts):
        return []
    return [found for part in parts for found in _outside_calls(part)]
