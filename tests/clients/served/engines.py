# SPDX-License-Identifier: AGPL-3.0-only
"""Two engines that say the script: one without a model, and the real one under a grammar."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from clients.served.recorder import append
from clients.served.script import answer
from sentiric_llama import AsyncEngine
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.engine.grammar.grammar import Grammar as Compiled
from sentiric_llama.engine.protocol import AsyncEngineProtocol
from sentiric_llama.engine.stream import AsyncStream
from sentiric_llama.types import EngineConfig, Grammar, Message, ModelInfo, Request, Tool

TEMPLATE = "{# <think> </think> enable_thinking #}"
CONTEXT = 131_072


class Script:
    """Answers requests, and writes down what it was asked and whether it may say that."""

    def __init__(self, log: Path) -> None:
        self._log = log

    def __call__(self, request: Request) -> str:
        text = answer(request)
        append(self._log, _record(request, text))
        return text


def _record(request: Request, text: str) -> dict[str, Any]:
    forbidden = ""
    if request.grammar is not None:
        compiled = Compiled.of(request.grammar)
        forbidden = "" if compiled.accepts(text) else str(compiled.explain(text))
    return {
        "messages": [asdict(message) for message in request.messages],
        "tools": [tool.name for tool in request.tools],
        "max_tokens": request.max_tokens,
        "text": text,
        "forbidden": forbidden,
    }


class ScriptedEngine(FakeEngine):
    """No model at all: a token is a character. Its template is like that of Qwen 3."""

    @property
    def info(self) -> ModelInfo:
        known = {"chat_template": TEMPLATE, "context_train": CONTEXT, "context_size": CONTEXT}
        return replace(super().info, **known)

    async def render_chat(self, messages: Any, **options: Any) -> str:
        return rendered(messages, options.get("tools", ()))

    async def tokenize_chat(self, messages: Any, **options: Any) -> list[int]:
        return await self.tokenize(await self.render_chat(messages, **options))


def rendered(messages: Sequence[Message], tools: Sequence[Tool]) -> str:
    """Tools in front, calls between tags: what the format of the model is found by."""
    parts = [f"<tools>{tool.name}: {tool.parameters}</tools>" for tool in tools]
    for message in messages:
        parts.append(f"<|im_start|>{message.role}\n{message.content}")
        for call in message.tool_calls:
            text = f'{{"name": {json.dumps(call.name)}, "arguments": {call.arguments}}}'
            parts.append(f"\n<tool_call>\n{text}\n</tool_call>")
    return "".join(parts) + "<|im_start|>assistant\n"


class ForcedEngine:
    """A real engine whose grammar is the script's text, word for word.

    Everything but the choice of words is real: template, tokens, cache, counts.
    """

    def __init__(self, engine: AsyncEngine, script: Callable[[Request], str]) -> None:
        self._engine = engine
        self._script = script

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def submit(self, request: Request, wakeup: asyncio.Event | None = None) -> AsyncStream:
        only = Grammar("choice", json.dumps([self._script(request)]))
        return self._engine.submit(replace(request, grammar=only, thinking=None), wakeup)


async def open_engine(log: Path, model: str, context_size: int) -> AsyncEngineProtocol:
    """Without a model's file, an engine without a model."""
    script = Script(log)
    if not model:
        return ScriptedEngine(script)
    # One thread, because tests share the machine.
    config = EngineConfig(model, contexts=4, context_size=context_size, compute_threads=1)
    return ForcedEngine(await AsyncEngine.open(config), script)
