# SPDX-License-Identifier: AGPL-3.0-only
"""What all clients are asked, and the tool and the form that they get."""

from __future__ import annotations

import copy
from typing import Any

from pydantic import BaseModel

HELLO: Any = [{"role": "user", "content": "Hello there"}]
REPEATED = "You said: Hello there"
PLACE = {"city": "Ankara"}
"""What the scripted model calls the tool with."""

PARAMETERS: Any = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
DESCRIBED: Any = {"name": "get_weather", "description": "The weather of a city."}
CHAT_TOOL: Any = {
    "type": "function",
    "function": {**DESCRIBED, "strict": True, "parameters": PARAMETERS},
}
RESPONSES_TOOL: Any = {"type": "function", **CHAT_TOOL["function"]}
MESSAGES_TOOL: Any = {**DESCRIBED, "input_schema": PARAMETERS}


class Person(BaseModel):
    name: str
    age: int
    tags: list[str]


ADA = Person(name="Ada", age=36, tags=["text"])
"""What the scripted model makes of the form."""


def weather(city: str) -> str:
    return f"{city} is warm"


WARM = "Done: Ankara is warm"


def hello() -> Any:
    """A conversation that a test may go on with."""
    return copy.deepcopy(HELLO)
