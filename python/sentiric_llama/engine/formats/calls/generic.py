# SPDX-License-Identifier: AGPL-3.0-only
"""For models whose template knows no tools, or writes calls in a way that is not known here.

The system prompt describes the tools. Calls are written like those of Hermes, in plain text.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from sentiric_llama.engine.formats.calls.hermes import Hermes
from sentiric_llama.engine.formats.tool_schema import quoted
from sentiric_llama.types import Message, Tool

_HEAD = """You can call functions. These are their signatures, one JSON object per line:
"""
_TAIL = """
To call a function, answer with a JSON object between these tags, and write nothing after it:
<tool_call>
{"name": "<function>", "arguments": {<arguments>}}
</tool_call>
You get its result in the next message, between <tool_response> and </tool_response>."""


class Generic(Hermes):
    name = "generic"
    shown: ClassVar[tuple[str, ...]] = ()
    in_template = False

    def recognises(self, rendered: str, name: str) -> bool:
        return True

    def describe(self, messages: Sequence[Message], tools: Sequence[Tool]) -> Sequence[Message]:
        """Behind the system prompt, so that what precedes them stays cached."""
        written = [_written(message) for message in messages]
        if not tools:
            return written
        text = _HEAD + "\n".join(signature(tool) for tool in tools) + "\n" + _TAIL
        if written and written[0].role in ("system", "developer"):
            first = replace(written[0], content=f"{written[0].content}\n\n{text}")
            return [first, *written[1:]]
        return [Message("system", text), *written]


def signature(tool: Tool) -> str:
    parameters = json.loads(tool.parameters) if tool.parameters else {}
    named = {"name": tool.name, "description": tool.description, "parameters": parameters}
    return json.dumps(named, ensure_ascii=False)


def _written(message: Message) -> Message:
    """The message with calls and results as text."""
    if message.role == "tool":
        text = f"<tool_response>\n{message.content}\n</tool_response>"
        return Message("user", text)
    if not message.tool_calls:
        return message
    calls = [
        f'<tool_call>\n{{"name": {quoted(call.name)}, "arguments": {call.arguments}}}\n</tool_call>'
        for call in message.tool_calls
    ]
    content = "\n".join([message.content, *calls] if message.content else calls)
    return replace(message, content=content, tool_calls=())
