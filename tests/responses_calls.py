# SPDX-License-Identifier: AGPL-3.0-only
"""Requests of the Responses API, and engines that answer them with thoughts and calls."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from http_client import Reply
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.types import ModelInfo

PATH = "/v1/responses"
FUNCTION = {
    "type": "function",
    "name": "look",
    "description": "Looks.",
    "parameters": {"type": "object", "properties": {"where": {"type": "string"}}},
}
CUSTOM = {"type": "custom", "name": "patch", "description": "Patches."}
NAMESPACE = {
    "type": "namespace",
    "name": "crm",
    "description": "Customers.",
    "tools": [FUNCTION | {"name": "get"}, CUSTOM | {"name": "note"}, {"type": "mcp"}],
}
TOOLS = [FUNCTION, CUSTOM, NAMESPACE]


class ThinkingEngine(FakeEngine):
    """A model whose template knows thoughts."""

    @property
    def info(self) -> ModelInfo:
        return replace(super().info, chat_template="<think></think>")


def respond(server: Any, _input: Any = "hello", **fields: Any) -> Reply:
    reply: Reply = server.post(PATH, {"input": _input, **fields})
    return reply


def call(name: str, arguments: Any) -> str:
    """A call as the models of these tests write it."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return f'<tool_call>\n{{"name": "{name}", "arguments": {text}}}\n</tool_call>'


def text_of(response: Any) -> str:
    """The text of the messages of a response."""
    messages = [item for item in response["output"] if item["type"] == "message"]
    return "".join(part["text"] for item in messages for part in item["content"])


def kinds_of(response: Any) -> list[str]:
    return [item["type"] for item in response["output"]]


def without_ids(response: Any) -> Any:
    """What two answers to the same request have in common."""
    if isinstance(response, list):
        return [without_ids(item) for item in response]
    if not isinstance(response, dict):
        return response
    own = {"id", "call_id", "created_at", "completed_at", "timings", "item_id"}
    return {name: without_ids(value) for name, value in response.items() if name not in own}
