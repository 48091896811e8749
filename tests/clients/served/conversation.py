# SPDX-License-Identifier: AGPL-3.0-only
"""What a conversation has come to: the user's last question, and what was done since."""

from __future__ import annotations

import json
import re
from typing import Any

from sentiric_llama.types import Message, Request

REMINDER = re.compile(
    r"<(system-reminder|environment_context|user_instructions|recommended_plugins)>.*?</\1>",
    re.DOTALL,
)
"""What agents put into a user's message for the model."""
_CALL = re.compile(r"^\s*(AND )?CALL (\S+) (\{.*\})\s*$", re.MULTILINE)
_RESULT = "Observation:"
_TOLD = "Calling tools:"
"""smolagents writes earlier calls and results as text of its own."""
LONGEST = 300
"""Of a result, when it is repeated."""

Call = tuple[str, Any]


class Conversation:
    """A request's messages, from the last one in which the user speaks."""

    def __init__(self, request: Request) -> None:
        spoken = [i for i, message in enumerate(request.messages) if _speaks(message)]
        since = request.messages[spoken[-1] :] if spoken else ()
        self.question = since[0].content if since else request.text
        self.results = [_result(message) for message in since if _is_result(message)]
        self.turns = sum(map(_has_calls, since))
        """How often the model has called since."""

    @property
    def words(self) -> str:
        """The question without what an agent added."""
        return REMINDER.sub("", self.question).strip()

    @property
    def script(self) -> list[list[Call]]:
        """The calls that the user asked for, by turn: `CALL name {arguments}`, `AND CALL …`."""
        steps: list[list[Call]] = []
        for joined, name, arguments in _CALL.findall(self.question):
            call = (name, json.loads(arguments))
            if joined and steps:
                steps[-1].append(call)
            else:
                steps.append([call])
        return steps


def _speaks(message: Message) -> bool:
    said = REMINDER.sub("", message.content).strip()
    return message.role == "user" and not _is_result(message) and bool(said)


def _is_result(message: Message) -> bool:
    is_told = message.role == "user" and message.content.startswith(_RESULT)
    return message.role == "tool" or is_told


def _has_calls(message: Message) -> bool:
    is_told = message.role == "assistant" and _TOLD in message.content
    return bool(message.tool_calls) or is_told


def _result(message: Message) -> str:
    return " ".join(message.content.split())[:LONGEST]
