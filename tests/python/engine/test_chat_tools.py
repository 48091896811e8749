# SPDX-License-Identifier: AGPL-3.0-only
"""Tools and thoughts in the library: what is enforced, what comes back, what is refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from engine_tools import GREEDY, seeded
from sentiric_llama import AsyncEngine, Engine
from sentiric_llama.engine.chat.answer_deltas import AnswerDeltas
from sentiric_llama.engine.formats.answer_format import AnswerPlan, MarkedAnswer
from sentiric_llama.engine.formats.calls.hermes import Hermes
from sentiric_llama.engine.formats.reader import AnswerReader
from sentiric_llama.engine.formats.thoughts import KNOWN
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.service.chat_call import ChatCall
from sentiric_llama.service.models.slot import ServedModel
from sentiric_llama.service.service import LlamaService
from sentiric_llama.settings.config import Settings
from sentiric_llama.types import Delta, Final, Message, Timings, Tool, ToolCall, Usage
from sentiric_llama.types.chat import ChatCompletion, ChatDelta, Reasoning
from sentiric_llama.types.wishes import Wishes

SCHEMA = {
    "type": "object",
    "properties": {
        "city": {"enum": ["Ankara", "İzmir"]},
        "days": {"type": "integer", "minimum": 1, "maximum": 7},
    },
    "required": ["city", "days"],
    "additionalProperties": False,
}
WEATHER = {"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}
NOW = Tool("now", "Tells the time.")
ASKED = [{"role": "user", "content": "Weather?"}]
THINKING = (
    "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant: <think>\n"
    "{# answers are <think> thoughts </think> and a text #}"
)


@pytest.fixture(scope="module")
def thinking(small_q8_0: Path) -> Iterator[Engine]:
    """A model whose template begins a thought."""
    with Engine(
        str(small_q8_0), contexts=2, context_size=256, compute_threads=1, chat_template=THINKING
    ) as engine:
        yield engine


def joined(deltas: list[ChatDelta]) -> tuple[str, list[ToolCall]]:
    """As a caller would put a stream together."""
    calls: dict[int, ToolCall] = {}
    for part in (part for delta in deltas for part in delta.tool_calls):
        before = calls.get(part.index, ToolCall(part.id, part.name, ""))
        calls[part.index] = ToolCall(before.id, before.name, before.arguments + part.arguments)
    return "".join(delta.content for delta in deltas), list(calls.values())


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "choice",
    ["required", "get_weather", {"type": "function", "function": {"name": "get_weather"}}],
    ids=["required", "name", "object"],
)
def test_a_forced_call_has_valid_arguments(tiny: Engine, choice: Any, seed: int) -> None:
    answer = tiny.chat(
        ASKED,
        seeded(seed),
        tools=[WEATHER],
        tool_choice=choice,
        parallel_tool_calls=False,
        max_tokens=200,
    )
    (call,) = answer.tool_calls
    assert call.name == "get_weather" and call.id.startswith("call_")
    jsonschema.validate(json.loads(call.arguments), SCHEMA)
    assert answer.finish_reason == "tool_calls" and answer.content == ""
    assert answer.text and call.name in answer.text, "as it was generated"
    assert answer.usage.completion_tokens == len(answer.tokens) and answer.unenforced == ()


def test_a_stream_has_the_same_calls_in_parts(tiny: Engine) -> None:
    options: Any = {"tools": [WEATHER, NOW], "tool_choice": "required", "max_tokens": 200}
    whole = tiny.chat(ASKED, seeded(3), **options)
    with tiny.stream_chat(ASKED, seeded(3), **options) as stream:
        deltas = list(stream)
    assert all(isinstance(delta, ChatDelta) for delta in deltas)
    content, calls = joined(deltas)
    assert content == whole.content and calls
    assert [(c.name, c.arguments) for c in calls] == [
        (c.name, c.arguments) for c in whole.tool_calls
    ]
    assert len({call.id for call in calls}) == len(calls)
    assert [d.finish_reason for d in deltas[:-1]] == [None] * (len(deltas) - 1)
    assert deltas[-1].finish_reason == whole.finish_reason


def test_an_event_loop_gets_the_same(small_q8_0: Path) -> None:
    options: Any = {"tools": [WEATHER], "tool_choice": "get_weather", "max_tokens": 200}
    config: Any = {"contexts": 2, "context_size": 512, "compute_threads": 1}
    with Engine(str(small_q8_0), **config) as engine:
        expected = engine.chat(ASKED, GREEDY, **options)

    async def main() -> tuple[ChatCompletion, list[ChatDelta]]:
        async with await AsyncEngine.open(str(small_q8_0), **config) as engine:
            whole = await engine.chat(ASKED, GREEDY, **options)
            return whole, [d async for d in engine.stream_chat(ASKED, GREEDY, **options)]

    whole, deltas = asyncio.run(main())
    wanted = [(call.name, call.arguments) for call in expected.tool_calls]
    assert wanted and [(call.name, call.arguments) for call in whole.tool_calls] == wanted
    assert [(call.name, call.arguments) for call in joined(deltas)[1]] == wanted
    assert whole.text == expected.text


@pytest.mark.parametrize("choice", ["auto", "required", "none"])
def test_the_service_says_the_same(small_q8_0: Path, choice: str) -> None:
    sampling = seeded(7)
    tools = (Tool("get_weather", "", json.dumps(SCHEMA)), NOW)

    async def main() -> tuple[ChatCompletion, Any]:
        async with await AsyncEngine.open(
            str(small_q8_0), contexts=2, context_size=512, compute_threads=1
        ) as engine:
            mine = await engine.chat(
                [Message("user", "Weather?")],
                sampling,
                tools=tools,
                tool_choice=choice,
                max_tokens=150,
            )
            service = LlamaService(Settings(default_system_prompt="", repetition_limit=0))
            service.attach(engine, ServedModel("small"))
            call = ChatCall(
                messages=(Message("user", "Weather?"),),
                sampling=asdict(sampling),
                wishes=Wishes(tools=tools, tool_choice=choice),
                max_tokens=150,
            )
            return mine, (await service.chat(call)).choices[0]

    mine, served = asyncio.run(main())
    assert mine.tokens == served.completion.tokens
    assert mine.finish_reason == served.ending
    assert [(c.name, c.arguments) for c in mine.tool_calls] == [
        (c.name, c.arguments) for c in served.answer.calls
    ]
    assert bool(mine.tool_calls) == (choice == "required") or choice == "auto"
    printable = {code: None for code in range(32) if code not in (9, 10, 13)} | {127: None}
    assert mine.content.translate(printable) == served.text


def test_the_answer_goes_on_with_the_result(tiny: Engine) -> None:
    talk: list[Any] = [*ASKED]
    options: Any = {"tools": [WEATHER], "max_tokens": 120}
    answer = tiny.chat(talk, seeded(1), tool_choice="get_weather", **options)
    talk.append(answer.message)
    talk += [
        Message("tool", "12 °C", tool_call_id=call.id, name=call.name) for call in answer.tool_calls
    ]
    assert talk[1].tool_calls == answer.tool_calls
    last = tiny.chat(talk, GREEDY, tool_choice="none", **options)
    assert last.tool_calls == () and last.content == last.text
    assert last.usage.prompt_tokens > answer.usage.prompt_tokens


def test_without_wishes_a_text_is_a_text(tiny: Engine) -> None:
    answer = tiny.chat(ASKED, GREEDY, max_tokens=8)
    assert answer.content == answer.text and answer.text
    assert (answer.reasoning_content, answer.tool_calls) == ("", ())
    assert answer.finish_reason in ("stop", "length")
    shaped = tiny.chat(ASKED, seeded(2), regex="yes|no", max_tokens=8)
    assert shaped.content == shaped.text and shaped.text in ("yes", "no")


def test_thoughts_stand_apart_and_are_bounded(thinking: Engine) -> None:
    limited = thinking.chat(
        ASKED, seeded(4), reasoning=Reasoning(max_tokens=6), regex="yes|no", max_tokens=60
    )
    assert limited.content in ("yes", "no")
    assert limited.reasoning_content and limited.thinking_ended
    assert limited.usage.thought_tokens == 6
    assert "</think>" not in limited.reasoning_content + limited.content
    assert limited.message.reasoning == limited.reasoning_content
    none = thinking.chat(ASKED, seeded(4), reasoning="none", regex="yes|no", max_tokens=60)
    assert none.content in ("yes", "no") and none.usage.thought_tokens == 0


def test_a_constraint_alone_is_for_the_whole_text(thinking: Engine) -> None:
    """As before there were thoughts: what was asked for is JSON from its first character."""
    answer = thinking.chat(ASKED, seeded(4), json_schema=SCHEMA, max_tokens=100)
    assert answer.text == answer.content
    jsonschema.validate(json.loads(answer.text), SCHEMA)


def scripted(text: str, size: int) -> ChatCompletion:
    """What is read of a text that comes in pieces of this size, from a model that thinks."""
    form = MarkedAnswer(KNOWN[0], Hermes())
    plan = AnswerPlan((Tool("get_weather", "", json.dumps(SCHEMA)), NOW), "auto")
    deltas = AnswerDeltas(AnswerReader(form, plan))
    parts = [text[i : i + size] for i in range(0, len(text), size)]
    last = Delta(final=Final("stop", Usage(1, len(parts)), Timings()))
    return ChatCompletion.of([deltas.read(d) for d in [*map(Delta, parts), last]])


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_a_whole_answer_is_read_alike_however_it_arrives(size: int) -> None:
    calls = [
        f"<tool_call>\n{json.dumps({'name': name, 'arguments': given})}\n</tool_call>"
        for name, given in [("now", {}), ("get_weather", {"city": "Ankara", "days": 2})]
    ]
    answer = scripted("<think>\nHm.\n</think>\n\nI look. " + "\n".join(calls), size)
    assert (answer.reasoning_content.strip(), answer.content) == ("Hm.", "I look.")
    assert [(c.name, json.loads(c.arguments)) for c in answer.tool_calls] == [
        ("now", {}),
        ("get_weather", {"city": "Ankara", "days": 2}),
    ]
    assert answer.finish_reason == "tool_calls" and answer.warnings == ()


def test_what_is_no_call_is_text_with_a_warning() -> None:
    answer = scripted('<tool_call>\n{"name": "stranger", "arguments": {}}\n</tool_call>', 3)
    assert answer.content.startswith("<tool_call>") and answer.warnings
    assert answer.finish_reason == "stop" and answer.tool_calls == ()


UNENFORCEABLE = {"type": "object", "properties": {"a": {"$ref": "#/nowhere"}}}


def test_arguments_that_no_grammar_can_enforce(tiny: Engine) -> None:
    odd = {"name": "odd", "parameters": UNENFORCEABLE}
    tools: Any = [WEATHER, {"type": "function", "function": odd}]
    with tiny.stream_chat(ASKED, GREEDY, tools=tools, max_tokens=2) as stream:
        assert stream.unenforced == ("odd",)
    assert tiny.chat(ASKED, GREEDY, tools=tools, max_tokens=2).unenforced == ("odd",)
    tools[1]["function"]["strict"] = True
    with pytest.raises(InvalidArgument) as caught:
        tiny.chat(ASKED, tools=tools)
    assert caught.value.where.startswith("tools[1].function.parameters")


TWICE = [Tool("a"), Tool("a")]


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"tools": [{"type": "function"}]}, "tools[0]"),
        ({"tools": [NOW, Tool("")]}, "tools[1].name"),
        ({"tools": [{"function": {"name": 5}}]}, "tools[0].name"),
        ({"tools": [Tool("x" * 257)]}, "tools[0].name"),
        ({"tools": TWICE}, "tools[1].name"),
        ({"tools": [Tool("a", "", "[]")]}, "tools[0].parameters"),
        ({"tools": [Tool("a", "", "{")]}, "tools[0].parameters"),
        ({"tools": [Tool(f"t{i}") for i in range(257)]}, "tools"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tools": [NOW], "tool_choice": "later"}, "tool_choice"),
        ({"tools": [NOW], "tool_choice": 5}, "tool_choice"),
        ({"tools": [NOW], "tool_choice": {"type": "function"}}, "tool_choice.function.name"),
        ({"tools": [NOW], "parallel_tool_calls": "no"}, "parallel_tool_calls"),
        ({"reasoning": "hard"}, "reasoning"),
        ({"reasoning": Reasoning("hard")}, "reasoning.effort"),  # type: ignore[arg-type]
        ({"reasoning": Reasoning(max_tokens=-2)}, "reasoning.max_tokens"),
        ({"tool_choise": "auto"}, "tool_choise"),
    ],
)
def test_refusals_name_the_argument(tiny: Engine, options: dict[str, Any], where: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        tiny.stream_chat(ASKED, **options)
    assert caught.value.where == where
    assert "tool_choice" in caught.value.what or "tool_choise" not in options


def test_texts_have_no_tools_to_choose(tiny: Engine) -> None:
    with pytest.raises(InvalidArgument) as caught:
        tiny.generate("Hi", tool_choice="auto")  # type: ignore[call-overload]
    assert caught.value.where == "tool_choice"
