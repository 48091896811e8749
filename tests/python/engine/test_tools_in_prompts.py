# SPDX-License-Identifier: AGPL-3.0-only
"""Tools, calls, reasoning and variables reach the chat template, in process and over messages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine_tools import GREEDY
from process_tools import opened, text_of
from sentiric_llama import Engine, InvalidArgument, Message, Request, Tool, ToolCall
from sentiric_llama.engine.blocking import collect
from sentiric_llama.http.schemas.reasoning import OWN_VARIABLES

TEMPLATE = """\
{%- if tools %}{{- '<|im_start|>tools\\n' }}
{%- for tool in tools %}{{- tool | tojson + '\\n' }}{%- endfor %}
{{- '<|im_end|>\\n' }}
{%- endif %}
{%- for m in messages %}
{{- '<|im_start|>' + m.role + (' ' + m.name if m.name else '') + '\\n' }}
{%- if m.reasoning_content %}{{- '<think>' + m.reasoning_content + '</think>' }}{%- endif %}
{{- m.content }}
{%- for call in m.tool_calls %}
{{- '<call ' + call.id + '>' + call.function | tojson }}
{%- endfor %}
{%- if m.tool_call_id %}{{- '<for ' + m.tool_call_id + '>' }}{%- endif %}
{{- '<|im_end|>\\n' }}
{%- endfor %}
{%- if mood is defined %}{{- '<mood ' + mood + '>' }}{%- endif %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"""
PARAMETERS = '{"type": "object", "properties": {"z": {"enum": [1.50]}, "a": {"type": "string"}}}'
TOOLS = (Tool("look", "Looks around.", PARAMETERS), Tool("wait"))
TALK = (
    Message("user", "What is there?"),
    Message("assistant", "", "hm", (ToolCall("c1", "look", '{"z": 1.50, "a": "ığ"}'),)),
    Message("tool", "A tree.", tool_call_id="c1"),
    Message("assistant", "There is"),
)
OPTIONS: Any = {"tools": TOOLS, "template_arguments": '{"mood": "calm"}', "continues": True}
WHOLE = """\
<|im_start|>tools
{"type": "function", "function": {"name": "look", "description": "Looks around.", \
"parameters": {"type": "object", "properties": {"z": {"enum": [1.50]}, "a": {"type": "string"}}}}}
{"type": "function", "function": {"name": "wait", "description": "", \
"parameters": {"type": "object", "properties": {}}}}
<|im_end|>
<|im_start|>user
What is there?<|im_end|>
<|im_start|>assistant
<think>hm</think><call c1>{"name": "look", "arguments": {"z": 1.50, "a": "ığ"}}<|im_end|>
<|im_start|>tool look
A tree.<for c1><|im_end|>
<|im_start|>assistant
There is"""
SETTINGS: Any = {"contexts": 1, "context_size": 512, "compute_threads": 1}


@pytest.fixture(scope="module")
def engine(guide_path: Path) -> Iterator[Engine]:
    with Engine(str(guide_path), chat_template=TEMPLATE, **SETTINGS) as engine:
        yield engine


def test_what_the_template_can_is_known(engine: Engine, guide_path: Path) -> None:
    assert engine.info.template_tools and engine.info.template_reasoning
    with Engine(str(guide_path), **SETTINGS) as plain:  # its own template knows no tools
        assert not plain.info.template_tools and not plain.info.template_reasoning
        assert '{"name": "look", "arguments": {"z": 1.50, "a": "ığ"}}' in plain.render_chat(TALK)


def test_everything_is_rendered(engine: Engine) -> None:
    assert engine.render_chat(TALK, **OPTIONS) == WHOLE
    ids = engine.tokenize_chat(TALK, **OPTIONS)
    assert engine.detokenize(ids, show_special=True).endswith(WHOLE)
    ended = engine.render_chat(TALK, template_arguments='{"mood": "calm"}')
    assert ended.endswith("There is<|im_end|>\n<mood calm><|im_start|>assistant\n")
    assert engine.render_chat(TALK, add_generation_prompt=False).endswith("There is<|im_end|>\n")


def test_openai_dictionaries_are_the_same(engine: Engine) -> None:
    function = {"name": "look", "arguments": '{"z": 1.50, "a": "ığ"}'}
    talk = [
        {"role": "user", "content": "What is there?"},
        {
            "role": "assistant",
            "content": None,
            "reasoning_content": "hm",
            "tool_calls": [{"id": "c1", "type": "function", "function": function}],
        },
        {"role": "tool", "content": "A tree.", "tool_call_id": "c1"},
        {"role": "assistant", "content": "There is"},
    ]
    look = {"name": "look", "description": "Looks around.", "parameters": {"type": "object"}}
    tools = [{"type": "function", "function": look}]
    mine = (Tool("look", "Looks around.", '{"type": "object"}'),)
    assert engine.render_chat(talk, tools=tools) == engine.render_chat(TALK, tools=mine)
    assert engine.chat(talk, GREEDY, tools=tools, max_tokens=1).usage.completion_tokens == 1


def test_a_process_renders_the_same(engine: Engine, guide_path: Path) -> None:
    request = Request(messages=TALK, sampling=GREEDY, max_tokens=4, ignore_eos=True, **OPTIONS)

    async def main() -> None:
        options = {**SETTINGS, "chat_template": TEMPLATE}
        async with opened(guide_path, **options) as other:
            assert other.info.template_tools and other.info.template_reasoning
            assert await other.render_chat(TALK, **OPTIONS) == WHOLE
            assert await other.tokenize_chat(TALK, **OPTIONS) == engine.tokenize_chat(
                TALK, **OPTIONS
            )
            expected = collect(engine.submit(request))
            assert (await text_of(other, request))[0] == expected.text
            assert expected.usage.prompt_tokens == len(engine.tokenize_chat(TALK, **OPTIONS))
            for broken, where in BROKEN:
                with pytest.raises(InvalidArgument) as caught:
                    await text_of(other, replace(request, **broken))
                assert caught.value.where == where

    asyncio.run(main())


BROKEN: tuple[tuple[dict[str, Any], str], ...] = (
    ({"tools": (Tool(""),)}, "tools[0].name"),
    ({"tools": (Tool("a", "", "[]"),)}, "tools[0].parameters"),
    ({"tools": (Tool("a"),) * 257}, "tools"),
    ({"template_arguments": "{"}, "template_arguments"),
    ({"template_arguments": '{"tools": 1}'}, "template_arguments"),
    ({"messages": TALK[:3]}, "continues"),
    ({"messages": (Message("user", "a", tool_calls=TALK[1].tool_calls), TALK[3])},
     "messages[0].tool_calls"),
    ({"messages": (), "text": "a"}, "tools"),
)  # fmt: skip


@pytest.mark.parametrize("name", [*OWN_VARIABLES, "a" * 257])
def test_what_the_conversation_gives_a_template_cannot_be_given(engine: Engine, name: str) -> None:
    """The document of the HTTP API lists the same names."""
    with pytest.raises(InvalidArgument) as caught:
        engine.render_chat(TALK, template_arguments=json.dumps({name: 1}))
    assert caught.value.where == "template_arguments"


@pytest.mark.parametrize(("broken", "where"), BROKEN, ids=str)
def test_bad_input_is_named(engine: Engine, broken: dict[str, Any], where: str) -> None:
    request = Request(messages=TALK, sampling=GREEDY, max_tokens=1, **OPTIONS)
    with pytest.raises(InvalidArgument) as caught, engine.submit(replace(request, **broken)) as it:
        list(it)
    assert caught.value.where == where


@pytest.mark.parametrize(
    ("message", "where"),
    [
        ({"role": "assistant"}, "messages[0]"),
        ({"role": "assistant", "content": None}, "messages[0]"),
        ({"role": "assistant", "tool_calls": [{}]}, "messages[0].tool_calls[0]"),
        ({"role": "assistant", "tool_calls": 7}, "messages[0].tool_calls"),
        ({"role": "tool", "content": "a", "tool_call_id": 7}, "messages[0]"),
        (Message("assistant", "", tool_calls=("a",)), "messages[0].tool_calls[0]"),  # type: ignore[arg-type]
    ],
    ids=str,
)
def test_wrong_types_are_named(engine: Engine, message: Any, where: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        engine.render_chat([message])
    assert caught.value.where == where
