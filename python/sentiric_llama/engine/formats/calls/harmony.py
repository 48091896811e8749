# SPDX-License-Identifier: AGPL-3.0-only
"""gpt-oss: an answer is a list of messages in channels, each with a header of its own.

Thoughts are in the channel `analysis`, text is in `final` or `commentary`, and a message to a
function is a call.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sentiric_llama.engine.formats.answer_format import AnswerFormat, AnswerPlan, Emit, TextSink
from sentiric_llama.engine.formats.call_format import CallFormat, CallReader
from sentiric_llama.engine.formats.json_text import copy_value
from sentiric_llama.engine.formats.node import Node, choice, free, optional, schema, sequence, text
from sentiric_llama.engine.formats.source import Reading, Source
from sentiric_llama.engine.formats.thoughts import Thoughts
from sentiric_llama.engine.formats.tool_schema import named
from sentiric_llama.types import Tool
from sentiric_llama.types.answer import Kind, Piece

_START, _CHANNEL, _MESSAGE = "<|start|>", "<|channel|>", "<|message|>"
_END, _CALL, _CONSTRAIN = "<|end|>", "<|call|>", "<|constrain|>"
_MARKS = (_START, _CHANNEL, _MESSAGE, _END, _CALL)
_NEXT = f"{_END}{_START}assistant"
_RECIPIENT = re.compile(r"to=functions\.([^\s<]+)")
_MAX_HEADER = 512


class HarmonyCalls(CallFormat):
    """A message to `functions.name`. The control token that ends it also ends the answer."""

    name = "harmony"
    marks = (f"{_CHANNEL}commentary to=functions.",)
    shown = (*_MARKS, _CONSTRAIN)

    def recognises(self, rendered: str, name: str) -> bool:
        return f"to=functions.{name}" in rendered and _MESSAGE in rendered

    def calls(self, tools: Sequence[Tool], *, parallel: bool) -> Node:
        """One call: the model waits for its result before it makes another."""
        del parallel
        calls = [
            sequence(text(f"{name} {_CONSTRAIN}json{_MESSAGE}"), schema(arguments))
            for name, arguments in named(tools)
        ]
        return sequence(text(self.marks[0]), choice(calls))

    def read_one(self, reader: CallReader) -> Reading[bool]:
        yield from copy_value(reader.source, reader.arguments)
        return True


class Harmony(AnswerFormat):
    """A thought and remarks, each a message, then a call or the final text."""

    def __init__(self) -> None:
        self.thoughts = Thoughts(
            f"{_CHANNEL}analysis{_MESSAGE}",
            _END,
            between="",
            after=f"{_START}assistant",
            word="analysis",
        )
        self.calls = HarmonyCalls()

    @property
    def shown(self) -> tuple[str, ...]:
        return self.calls.shown

    def structure(self, plan: AnswerPlan) -> Node | None:
        if not plan.tools and plan.body is None:
            return None
        inner = sequence(free(_MARKS), text(_NEXT))
        thought = sequence(text(f"{_CHANNEL}analysis{_MESSAGE}"), inner)
        remark = sequence(text(f"{_CHANNEL}commentary{_MESSAGE}"), inner)
        final = sequence(text(f"{_CHANNEL}final{_MESSAGE}"), plan.body or free(_MARKS))
        if not plan.may_call:
            return sequence(optional(thought), final)
        calls = self.calls.calls(plan.tools, parallel=plan.parallel)
        if plan.calling == "required":
            return sequence(optional(thought), calls)
        last = choice([sequence(optional(remark), calls), final])
        return sequence(optional(thought), last)

    def read(self, plan: AnswerPlan, source: Source, emit: Emit) -> Reading[None]:
        tools = {tool.name: tool for tool in plan.tools} if plan.may_call else {}
        reader = CallReader(source, emit, tools)
        content = TextSink(emit)
        while not source.has_ended or source.text:
            header = yield from self._header(source)
            if header is None:
                break
            yield from self._message(header, reader, content)
        yield from source.until((), content.put)
        content.flush()

    def _header(self, source: Source) -> Reading[str | None]:
        """The header of the next message; None where plain text begins."""
        yield from source.first_of([f"{_START}assistant"])
        if not (yield from source.has(1)):
            return None
        if not source.text.startswith(" to=") and not source.text.startswith(_CHANNEL[:1]):
            return None
        source.begin_attempt()
        header = yield from source.word([_MESSAGE], _MAX_HEADER)
        if header is None:
            source.undo()
            source.drop_cut()
            return None
        source.commit()
        yield from source.first_of([_MESSAGE])
        return header

    def _message(self, header: str, reader: CallReader, content: TextSink) -> Reading[None]:
        recipient = _RECIPIENT.search(header)
        if recipient and reader.begin(recipient[1]):
            content.drop_blanks()
            yield from copy_value(reader.source, reader.arguments)
            yield from reader.source.until(_MARKS, lambda _rest: None)
            return
        if recipient:
            reader.emit(Piece(Kind.MALFORMED, "call to an unknown function"))
        is_thought = header.startswith(f"{_CHANNEL}analysis")
        sink = TextSink(reader.emit, Kind.THOUGHT) if is_thought else content
        yield from reader.source.until([_END, _CALL], sink.put)
        if not is_thought:
            content.flush()
