# SPDX-License-Identifier: AGPL-3.0-only
"""Thoughts over HTTP: apart from the answer, bounded, switched off."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.engine.formats import model_format
from sentiric_llama.service.prompt import tool_schemas
from sentiric_llama.types import ModelInfo

THINKING = "{% if enable_thinking %}<think>{% endif %}</think> {{ reasoning_effort }}"
ASKED = [{"role": "user", "content": "Why?"}]


class Thinker(FakeEngine):
    """An engine whose model thinks."""

    @property
    def info(self) -> ModelInfo:
        return replace(super().info, chat_template=THINKING)


@pytest.fixture
def thinker(start: Any) -> Any:
    return start(lambda: Thinker("<think>\nBecause it is so.\n</think>\n\nYes."))


def test_thoughts_come_apart(thinker: Any) -> None:
    reply = thinker.chat(ASKED)
    message = reply.json["choices"][0]["message"]
    assert (message["reasoning_content"], message["content"]) == ("Because it is so.", "Yes.")
    assert reply.json["usage"]["completion_tokens_details"]["reasoning_tokens"] > 0


def test_a_stream_has_the_same_parts(thinker: Any) -> None:
    events = thinker.chat(ASKED, stream=True).events
    found = [event["choices"][0]["delta"] for event in events if event != "[DONE]"]
    assert "".join(delta.get("reasoning_content", "") for delta in found) == "Because it is so."
    assert "".join(delta.get("content") or "" for delta in found) == "Yes."


@pytest.mark.parametrize(
    ("fields", "arguments", "most"),
    [
        ({}, "", 2**31 - 1),
        ({"thinking_budget": 7}, "", 7),
        ({"reasoning_budget_tokens": 0}, "", 0),
        ({"thinking_budget_tokens": -1}, "", 2**31 - 1),
        ({"reasoning_effort": "none"}, '{"enable_thinking": false}', 0),
        (
            {"reasoning_effort": "low"},
            '{"enable_thinking": true, "reasoning_effort": "low"}',
            2**31 - 1,
        ),
        (
            {"reasoning_effort": "none", "chat_template_kwargs": {"enable_thinking": True}},
            '{"enable_thinking": true}',
            0,
        ),
        ({"chat_template_kwargs": ""}, "", 2**31 - 1),
    ],
)
def test_what_the_engine_is_asked_for(
    thinker: Any, fields: dict[str, Any], arguments: str, most: int
) -> None:
    assert thinker.chat(ASKED, **fields).status == 200
    request = thinker.engine.requests[-1]
    assert request.template_arguments == arguments
    assert (request.thinking.begin, request.thinking.end) == ("<think>", "</think>")
    assert request.thinking.max_tokens == most and not request.thinking.is_open


def test_a_schema_binds_behind_the_thought(thinker: Any) -> None:
    from sentiric_llama.engine.grammar.grammar import Grammar

    schema = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "null"}}}
    assert thinker.chat(ASKED, response_format=schema).status == 200
    grammar = Grammar.of(thinker.engine.requests[-1].grammar)
    assert grammar.accepts("<think>anything</think>\n\nnull") and grammar.accepts("null")
    assert not grammar.is_prefix("<think></think>\n\nhello") and not grammar.is_prefix("hello")


def test_the_answer_goes_on_with_the_last_message(thinker: Any) -> None:
    messages = [*ASKED, {"role": "assistant", "content": "Yes, be"}]
    assert thinker.chat(messages).status == 200
    request = thinker.engine.requests[-1]
    assert request.continues and request.thinking is None
    assert thinker.chat(messages, continue_final_message=False).status == 200
    assert not thinker.engine.requests[-1].continues


def test_a_model_without_thoughts_is_told_to_think(server: Any) -> None:
    assert server.chat(ASKED, reasoning_effort="high").status == 200
    request = server.engine.requests[-1]
    assert "<think>" in request.messages[0].content and request.thinking is not None
    assert server.chat(ASKED, reasoning_effort="none").status == 200
    assert server.engine.requests[-1].messages[0].role == "user"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"reasoning_effort": "much"}, "reasoning_effort"),
        ({"thinking_budget": -2}, "thinking_budget"),
        ({"chat_template_kwargs": [1]}, "chat_template_kwargs"),
        ({"continue_final_message": True}, "continue_final_message"),
        ({"add_generation_prompt": False}, "add_generation_prompt"),
    ],
)
def test_refused(server: Any, fields: dict[str, Any], param: str) -> None:
    reply = server.chat(ASKED, **fields)
    assert (reply.status, reply.error["param"]) == (400, param)


class OpeningEngine(Thinker):
    """Its template begins a thought."""

    async def render_chat(self, messages: Any, **options: Any) -> str:
        return await super().render_chat(messages, **options) + "<think>\n"


def test_what_others_ask_for_does_not_make_a_thought_text(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def check(texts: list[str]) -> list[str]:
        begun.set()
        assert may_end.wait(30)
        return [""] * len(texts)

    monkeypatch.setattr(tool_schemas, "problems_of", check)
    monkeypatch.setattr(model_format, "MAX_REMEMBERED", 4)
    server = start(lambda: OpeningEngine("hm</think>answer"))
    tool = {"type": "function", "function": {"name": "now"}}
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(server.chat, tools=[tool])
        assert begun.wait(30)
        for number in range(8):
            assert server.chat(chat_template_kwargs={"number": number}).status == 200
        may_end.set()
        message = asked.result().json["choices"][0]["message"]
    assert (message["reasoning_content"], message["content"]) == ("hm", "answer")
