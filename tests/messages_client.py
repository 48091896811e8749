# SPDX-License-Identifier: AGPL-3.0-only
"""A small client of `/v1/messages` for tests, and models that call tools and think."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from http_client import Reply
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.types import ModelInfo

USER = [{"role": "user", "content": "hello"}]
TOOL = {
    "name": "weather",
    "description": "Weather of a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}


def called(name: str, arguments: str) -> str:
    """A call as a model without a format of its own writes it."""
    return f'<tool_call>\n{{"name": "{name}", "arguments": {arguments}}}\n</tool_call>'


class ThinkingEngine(FakeEngine):
    """Its template marks thoughts."""

    @property
    def info(self) -> ModelInfo:
        template = "{{ enable_thinking }} <think> </think>"
        return replace(super().info, chat_template=template)


def ask_server(server: Any, messages: Any = USER, **fields: Any) -> Reply:
    reply: Reply = server.post("/v1/messages", {"messages": messages, **fields})
    return reply


def named_events(reply: Reply) -> list[Any]:
    """The events of a stream, each with the name that its data says."""
    assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
    events = []
    for block in reply.body.decode().removesuffix("\n\n").split("\n\n"):
        name, data = block.split("\n")
        event = json.loads(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        events.append(event)
    return events
