# SPDX-License-Identifier: AGPL-3.0-only
"""How a model writes calls of tools: what a format has to say, and what formats share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from sentiric_llama.engine.formats.node import Node, free, repeat, sequence, text
from sentiric_llama.engine.formats.source import Reading, Source
from sentiric_llama.types import Message, Tool
from sentiric_llama.types.answer import Kind, Piece


@dataclass(frozen=True, slots=True)
class CallReader:
    """What a format reads calls with."""

    source: Source
    emit: Callable[[Piece], None]
    tools: Mapping[str, Tool]
    """Those that may be called."""

    def begin(self, name: str) -> bool:
        """Begins a call; False if there is no such tool."""
        if name not in self.tools:
            return False
        self.source.commit()
        self.emit(Piece(Kind.CALL, name))
        return True

    def arguments(self, text: str) -> None:
        """A part of the JSON of the arguments."""
        self.emit(Piece(Kind.ARGUMENTS, text))


class CallFormat(ABC):
    """How one family of models writes calls.

    Behind a mark stands one call, or a list of them. A list is `opening`, calls with `separator`
    between them, `closing`; a single call is followed by `closing`.
    """

    name: ClassVar[str]
    marks: ClassVar[tuple[str, ...]]
    """Texts that begin a call, or a list of them, wherever they stand in an answer."""
    shown: ClassVar[tuple[str, ...]] = ()
    """Control tokens that calls are written with, if the vocabulary has them."""
    in_template: ClassVar[bool] = True
    """Whether the model's template describes tools and writes calls."""
    begins_answer: ClassVar[str] = ""
    """What begins a call only where an answer begins."""
    is_list: ClassVar[bool] = False
    opening: ClassVar[str] = ""
    separator: ClassVar[str] = ""
    closing: ClassVar[str] = ""

    @abstractmethod
    def recognises(self, rendered: str, name: str) -> bool:
        """Whether a template that wrote a call of the tool `name` uses this format."""

    @abstractmethod
    def calls(self, tools: Sequence[Tool], *, parallel: bool) -> Node:
        """One call, or several, with the mark that begins them."""

    @abstractmethod
    def read_one(self, reader: CallReader) -> Reading[bool]:
        """Reads one call. False if it is none; then it has not begun."""

    def read(self, reader: CallReader) -> Reading[bool]:
        """Reads what follows a mark. False if it is no call: then nothing was read."""
        source = reader.source
        source.begin_attempt()
        yield from self._skip(reader, self.opening)
        if not (yield from self.read_one(reader)):
            source.undo()
            return False
        while self.is_list:
            source.begin_attempt()
            yield from self._skip(reader, self.separator)
            if not (yield from self.read_one(reader)):
                source.undo()
                source.drop_cut()
                break
        yield from self._skip(reader, self.closing)
        return True

    def listed(self, call: Node, *, parallel: bool) -> Node:
        """The list of such calls, or calls that begin with a mark one after the other."""
        several = repeat(call, self.separator, parallel=parallel)
        if not self.is_list:
            return several
        return sequence(text(self.marks[0] + self.opening), several, text(self.closing))

    def _skip(self, reader: CallReader, expected: str) -> Reading[None]:
        """Reads blanks and the text, if it is there."""
        if expected:
            yield from reader.source.skip_space()
            yield from reader.source.first_of([expected.strip()])

    def free_text(self, marks: Sequence[str]) -> Node:
        """Text before a call, without marks."""
        return free(marks)

    def describe(self, messages: Sequence[Message], tools: Sequence[Tool]) -> Sequence[Message]:
        """The conversation with the tools described in it, if the template does not do it."""
        del tools
        return messages
