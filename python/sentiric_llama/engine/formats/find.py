# SPDX-License-Identifier: AGPL-3.0-only
"""Finds the format of a model from what its template makes of a conversation with a call."""

from __future__ import annotations

from sentiric_llama.engine.formats.answer_format import AnswerFormat, MarkedAnswer
from sentiric_llama.engine.formats.call_format import CallFormat
from sentiric_llama.engine.formats.calls.command_r import CommandR
from sentiric_llama.engine.formats.calls.deepseek import DeepSeek, DeepSeek31
from sentiric_llama.engine.formats.calls.described import DESCRIBED
from sentiric_llama.engine.formats.calls.dsml import Dsml, Dsml4
from sentiric_llama.engine.formats.calls.gemma import FunctionGemma, Gemma
from sentiric_llama.engine.formats.calls.generic import Generic
from sentiric_llama.engine.formats.calls.glm import Glm, Glm47
from sentiric_llama.engine.formats.calls.harmony import Harmony
from sentiric_llama.engine.formats.calls.hermes import Hermes
from sentiric_llama.engine.formats.calls.kimi import Kimi
from sentiric_llama.engine.formats.calls.llama3 import Llama3
from sentiric_llama.engine.formats.calls.mistral import Mistral, MistralList, MistralWithId
from sentiric_llama.engine.formats.calls.qwen_coder import QwenCoder
from sentiric_llama.engine.formats.thoughts import KNOWN, Thoughts
from sentiric_llama.types import Message, Tool, ToolCall

PROBE_TOOL = Tool(
    name="sentiric_probe",
    description="",
    parameters='{"type":"object","properties":{"probe_key":{"type":"string"}}}',
)
PROBE = (
    Message("user", "sentiric-probe-question"),
    Message(
        "assistant",
        "",
        tool_calls=(ToolCall("call00001", PROBE_TOOL.name, '{"probe_key": "probe-value"}'),),
    ),
    Message("tool", "sentiric-probe-result", tool_call_id="call00001", name=PROBE_TOOL.name),
)
"""To be rendered with PROBE_TOOL."""

FORMATS: tuple[CallFormat, ...] = (
    *(QwenCoder(), Glm(), Glm47(), Dsml(), Dsml4(), Hermes()),
    *(MistralList(), MistralWithId(), Mistral()),
    *(DeepSeek(), DeepSeek31(), Kimi(), CommandR(), Gemma(), FunctionGemma(), Llama3()),
)
"""A template belongs to the first that recognises what it renders."""


def find_format(rendered: str, template: str, *, describes: bool = True) -> AnswerFormat:
    """The format of a model.

    `rendered` is what the template made of PROBE, empty if it failed; `template` is its source.
    `describes`: the template describes the tools, and not only calls of them.
    """
    if not describes:
        known = (form for form in DESCRIBED if form.recognises(rendered, PROBE_TOOL.name))
        return MarkedAnswer(find_thoughts(template) or KNOWN[0], next(known, Generic()))
    harmony = Harmony()
    if harmony.calls.recognises(rendered, PROBE_TOOL.name):
        return harmony
    calls = (form for form in FORMATS if form.recognises(rendered, PROBE_TOOL.name))
    thoughts = find_thoughts(template) or KNOWN[0]  # for models that are told to think
    return MarkedAnswer(thoughts, next(calls, Generic()))


def find_thoughts(template: str) -> Thoughts | None:
    """The marks that occur in the template."""
    return next((thoughts for thoughts in KNOWN if thoughts.are_those_of(template)), None)
