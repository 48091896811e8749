# SPDX-License-Identifier: AGPL-3.0-only
"""How a model writes a whole answer: what the engine enforces, and how it is read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sentiric_llama.engine.formats.call_format import CallFormat, CallReader
from sentiric_llama.engine.formats.node import Node, choice, optional, sequence
from sentiric_llama.engine.formats.source import Reading, Source
from sentiric_llama.engine.formats.thoughts import Thoughts
from sentiric_llama.types import Message, Tool
from sentiric_llama.types.answer import Kind, Piece
from sentiric_llama.types.wishes import Calling

Emit: TypeAlias = Callable[[Piece], None]


@dataclass(frozen=True, slots=True)
class AnswerPlan:
    """What one answer may be."""

    tools: Sequence[Tool] = ()
    """Those that may be called."""
    calling: Calling = "none"
    """Whether calls are allowed, or text that is none is not."""
    parallel: bool = True
    """Whether there may be several calls."""
    body: Node | None = None
    """What the text must be, if it must be something."""
    may_think: bool = True
    """Whether a thought may come first. Not where an answer goes on with text that is there."""
    is_thought_open: bool = False
    """Whether the prompt ends inside a thought."""

    @property
    def may_call(self) -> bool:
        return bool(self.tools) and self.calling != "none"


class AnswerFormat(ABC):
    """How the answers of one model are written."""

    thoughts: Thoughts
    calls: CallFormat

    @property
    @abstractmethod
    def shown(self) -> tuple[str, ...]:
        """Control tokens that are part of the text which a reader gets."""

    @abstractmethod
    def structure(self, plan: AnswerPlan) -> Node | None:
        """What the answer may be; None if it may be anything."""

    @abstractmethod
    def read(self, plan: AnswerPlan, source: Source, emit: Emit) -> Reading[None]:
        """Reads an answer to its end."""

    def describe(self, messages: Sequence[Message], tools: Sequence[Tool]) -> Sequence[Message]:
        """The conversation as the template takes it."""
        return self.calls.describe(messages, tools)


class MarkedAnswer(AnswerFormat):
    """A thought between marks, text, calls behind marks: each may be missing."""

    def __init__(self, thoughts: Thoughts, calls: CallFormat) -> None:
        self.thoughts = thoughts
        self.calls = calls

    @property
    def shown(self) -> tuple[str, ...]:
        return (self.thoughts.begin.strip(), self.thoughts.end.strip(), *self.calls.shown)

    def structure(self, plan: AnswerPlan) -> Node | None:
        if not plan.tools and plan.body is None:
            return None
        rest = self._rest(plan)
        if not plan.may_think:
            return rest
        return sequence(self.thoughts.node(is_open=plan.is_thought_open), rest)

    def _rest(self, plan: AnswerPlan) -> Node:
        """What follows the thought."""
        marks = [*self.calls.marks, *([self.thoughts.begin] if plan.may_think else [])]
        text = plan.body or self.calls.free_text(marks)
        if not plan.may_call:
            return text
        calls = self.calls.calls(plan.tools, parallel=plan.parallel)
        if plan.calling == "required":
            return calls
        if plan.body is not None or self.calls.begins_answer:
            return choice([calls, text])
        return sequence(text, optional(calls))

    def read(self, plan: AnswerPlan, source: Source, emit: Emit) -> Reading[None]:
        yield from self._read_thought(plan, source, emit)
        tools = {tool.name: tool for tool in plan.tools} if plan.may_call else {}
        reader = CallReader(source, emit, tools)
        text = TextSink(emit)
        opening = self.calls.begins_answer
        if tools and opening and (yield from self._begins(source, opening)):
            is_certain = plan.body is None  # JSON may also be what was asked for
            yield from self._read_calls(reader, text, "", is_certain=is_certain)
        while True:
            mark = yield from source.until(self.calls.marks if tools else (), text.put)
            if mark is None:
                return text.flush()
            yield from self._read_calls(reader, text, mark)

    def _begins(self, source: Source, opening: str) -> Reading[bool]:
        return (yield from source.has(len(opening))) and source.text.startswith(opening)

    def _read_calls(
        self, reader: CallReader, text: TextSink, mark: str, *, is_certain: bool = True
    ) -> Reading[None]:
        if (yield from self.calls.read(reader)):
            text.drop_blanks()
            return
        if is_certain and reader.source.drop_cut():
            reader.emit(Piece(Kind.MALFORMED, "the answer was cut off at the beginning of a call"))
            return
        text.put(mark)
        if not mark:
            return
        reader.emit(
            Piece(Kind.MALFORMED, "the text after the tool-call marker is not a valid call")
        )

    def _read_thought(self, plan: AnswerPlan, source: Source, emit: Emit) -> Reading[None]:
        """A thought in front, without the blanks around it."""
        if not plan.may_think:
            return
        begin = [self.thoughts.begin]
        if not plan.is_thought_open and (yield from source.first_of(begin)) is None:
            return
        yield from source.skip_space()
        thought = TextSink(emit, Kind.THOUGHT)
        if (yield from source.until([self.thoughts.end], thought.put)) is not None:
            yield from source.skip_space()


class TextSink:
    """Emits text, but holds back blanks at its end: they are dropped where a call follows."""

    def __init__(self, emit: Emit, kind: Kind = Kind.TEXT) -> None:
        self._emit = emit
        self._kind = kind
        self._blanks = ""

    def put(self, text: str) -> None:
        text = self._blanks + text
        kept = text.rstrip()
        self._blanks = text[len(kept) :]
        if kept:
            self._emit(Piece(self._kind, kept))

    def drop_blanks(self) -> None:
        """They stood in front of a call."""
        self._blanks = ""

    def flush(self) -> None:
        """The blanks are a part of the text after all."""
        if self._blanks:
            self._emit(Piece(self._kind, self._blanks))
            self._blanks = ""
