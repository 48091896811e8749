# SPDX-License-Identifier: AGPL-3.0-only
"""What was asked, for the log of those who switch its contents on."""

from __future__ import annotations

from typing import Any

from sentiric_llama.service.chat_call import ChatCall
from sentiric_llama.types import Message


def asked_content(call: ChatCall) -> dict[str, Any]:
    """Messages with their calls, the names of tools, and prompts: what there is of them."""
    found: dict[str, Any] = {
        "messages": [_message(message) for message in call.messages],
        "tools": [tool.name for tool in call.wishes.tools],
        "prompts": [p if isinstance(p, str) else list(p) for p in call.prompts],
    }
    return {name: value for name, value in found.items() if value}


def _message(message: Message) -> dict[str, Any]:
    found: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        calls = [{"name": call.name, "arguments": call.arguments} for call in message.tool_calls]
        found["tool_calls"] = calls
    return found
