# SPDX-License-Identifier: AGPL-3.0-only
"""Errors in the words of the caller: each protocol has its own names for what the engine checks."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field

from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.service.grammar_fields import blame
from sentiric_llama.service.prompt.message_places import renamed

_INDEX = re.compile(r"\[(\d+)\]")
_TOOL = re.compile(r"tools\.(\d+)\.(?:function\.)?(.+)")
_MESSAGE = re.compile(r"messages\.(\d+)\.(.+)")
_CALL = re.compile(r"(tool_calls\.\d+)\.(name|arguments)")
_HEAD = re.compile(r"[a-z_]+")

HTTP_NAMES: Mapping[str, str] = {
    "template_arguments": "chat_template_kwargs",
    "allowed_tokens": "allowed_token_ids",
    "stop_tokens": "stop_token_ids",
}
"""The engine's names -> those of HTTP, which GenerateStream takes, too."""


def chat_tool(index: int, rest: str, kind: str = "function") -> str:
    """A place in a tool, as OpenAI's chat API has it."""
    return f"tools.{index}.{kind}.{rest}"


def chat_message(index: int, rest: str) -> str:
    """A place in a message, as OpenAI's chat API has it."""
    if rest == "reasoning":
        rest = "reasoning_content"
    own = _CALL.sub(r"\1.function.\2", rest)
    return f"messages.{index}.{own}"


@dataclass(frozen=True, slots=True)
class CallerNames:
    """The names of one protocol."""

    fields: Mapping[str, str] = field(default_factory=lambda: HTTP_NAMES)
    tool: Callable[[int, str], str] = chat_tool
    """From the number of a tool of the call, and a place in it, to the caller's."""
    message: Callable[[int, str], str] = chat_message
    """The same for a message of the call."""

    def place(self, where: str) -> str:
        """Where the caller wrote it."""
        where = _INDEX.sub(r".\1", where)
        if found := _TOOL.fullmatch(where):
            return self.tool(int(found[1]), found[2])
        if found := _MESSAGE.fullmatch(where):
            return self.message(int(found[1]), found[2])
        head = _HEAD.match(where)
        if head is None:
            return where
        rest = where[head.end() :].partition(" ")[0]  # such as in "bad_words tokens"
        return self.fields.get(head[0], head[0]) + rest

    def blame(self, error: SentiricLlamaError, grammar_field: str) -> SentiricLlamaError:
        """The error; one about a grammar or schema names the field that the caller used."""
        error = blame(error, grammar_field)
        return renamed(error, self.place(error.where))

    @contextlib.asynccontextmanager
    async def blaming(self, grammar_field: str) -> AsyncIterator[None]:
        """Errors of the block as `blame` words them."""
        try:
            yield
        except SentiricLlamaError as error:
            raise self.blame(error, grammar_field) from None
