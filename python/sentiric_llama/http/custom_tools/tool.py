# SPDX-License-Identifier: AGPL-3.0-only
"""A custom tool as a function that a model can call, and a call of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal, TypeAlias

from sentiric_llama.types import Tool

Syntax: TypeAlias = Literal["lark", "regex"]


@dataclass(frozen=True, slots=True)
class InputGrammar:
    """What the input must be. Only `regex` can be enforced; the model reads both."""

    syntax: Syntax
    definition: str

    @property
    def is_enforced(self) -> bool:
        return self.syntax == "regex"


def custom_tool(name: str, about: str, grammar: InputGrammar | None) -> Tool:
    """A function with one text, `input`."""
    text = {"type": "string"}
    if grammar is not None:
        if grammar.is_enforced:
            text["pattern"] = f"^(?:{grammar.definition})$"
        about += f"\n\nGrammar of the input ({grammar.syntax}):\n{grammar.definition}"
    parameters = {
        "type": "object",
        "properties": {"input": text},
        "required": ["input"],
        "additionalProperties": False,
    }
    return Tool(name, about, json.dumps(parameters, ensure_ascii=False))


def input_arguments(text: str) -> str:
    """The arguments by which a model calls a custom tool."""
    return json.dumps({"input": text}, ensure_ascii=False)
