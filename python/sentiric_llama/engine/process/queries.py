# SPDX-License-Identifier: AGPL-3.0-only
"""The questions of the engine protocol as messages."""

from __future__ import annotations

from abc import ABC, abstractmethod
from array import array
from collections.abc import Sequence
from typing import Any, TypeVar, Unpack

from sentiric_llama.engine import messages as m
from sentiric_llama.engine.arguments import items_of, texts_of
from sentiric_llama.engine.prompt.conversation import (
    ChatPrompt,
    RenderOptions,
    conversation,
    is_large,
)
from sentiric_llama.engine.protocol import FloatArray
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.host.off_loop import maybe_off_loop, off_loop
from sentiric_llama.types import Message, ModelInfo, Request, Tool
from sentiric_llama.types.rendering import ChatRendering, rendering

T = TypeVar("T")


class MessageQueries(ABC):
    """Answers questions about text by asking an engine at the other end of messages."""

    @property
    @abstractmethod
    def info(self) -> ModelInfo: ...

    @abstractmethod
    async def ask(self, make: Any, *values: Any, **options: Any) -> m.Answer:
        """Sends the call `make(number, *values)`. Raises the failure that it is answered with."""

    async def tokenize_to_array(
        self, text: str, *, add_special: bool = False, parse_special: bool = False
    ) -> array[int]:
        answer = await self.ask(m.Tokenize, text, add_special, parse_special)
        return array("i", answer.tokens or b"")

    async def detokenize(self, tokens: Sequence[int], *, show_special: bool = False) -> str:
        answer = await self.ask(m.Detokenize, array("i", tokens).tobytes(), show_special)
        return answer.text or ""

    async def token_bytes(self, tokens: Sequence[int]) -> list[bytes]:
        data = array("i", tokens).tobytes()
        return list((await self.ask(m.Detokenize, data, as_pieces=True)).pieces or ())

    async def render_chat(self, messages: ChatPrompt, **options: Unpack[RenderOptions]) -> str:
        answer = await self.ask(m.Render, *await _rendering(messages, options))
        return answer.text or ""

    async def tokenize_chat(
        self, messages: ChatPrompt, **options: Unpack[RenderOptions]
    ) -> list[int]:
        answer = await self.ask(m.TokenizeChat, *await _rendering(messages, options))
        return array("i", answer.tokens or b"").tolist()

    async def describe_chat(self, request: Request) -> ChatRendering:
        answer = await self.ask(m.DescribeChat, request)
        tokens = array("i", answer.tokens or b"")
        return rendering(answer.text or "", answer.begins or (), tokens, answer.cached or 0)

    async def embed(
        self, texts: str | Sequence[str], prompts: Sequence[Sequence[int]] = ()
    ) -> FloatArray:
        given, width, data = texts_of(texts), self.info.num_embd, b""
        ids = tuple(_as_bytes(prompt) for prompt in items_of(prompts, "prompts"))
        if given or ids:
            width, data = (await self.ask(m.Embed, given, ids)).rows or (1, b"")
        return await off_loop(_matrix, data, width)


async def _rendering(messages: ChatPrompt, options: RenderOptions) -> tuple[Any, ...]:
    """The fields of Render and TokenizeChat."""
    is_long = is_large(_known(messages, Message), _known(options.get("tools", ()), Tool))
    asked, add = await maybe_off_loop(is_long, conversation, messages, **options)
    return (asked.messages, asked.tools, asked.template_arguments, asked.continues, add)


def _known(items: Any, kind: type[T]) -> Sequence[T]:
    """Those that are dataclasses already, as the service gives them."""
    return [item for item in items if isinstance(item, kind)] if isinstance(items, Sequence) else ()


def _as_bytes(prompt: Sequence[int]) -> bytes:
    try:
        return array("i", items_of(prompt, "prompts")).tobytes()
    except (TypeError, OverflowError):
        raise InvalidArgument("must be lists of token ids", where="prompts") from None


def _matrix(data: bytes, width: int) -> FloatArray:
    # Imported late and off the event loop: only embeddings need it, and it is slow to import.
    import numpy as np

    return np.frombuffer(data, np.float32).reshape(-1, width)
