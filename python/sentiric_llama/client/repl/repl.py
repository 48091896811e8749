# SPDX-License-Identifier: AGPL-3.0-only
"""Read, ask, show, again. Ctrl-C stops the answer; twice at the prompt it leaves."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from typing import Any, cast

from sentiric_llama.client.chat_client import ChatClient, GenerationOptions
from sentiric_llama.client.repl import slash
from sentiric_llama.client.repl.conversation import Conversation
from sentiric_llama.client.repl.text import numbers
from sentiric_llama.client.repl.thoughts import Thoughts
from sentiric_llama.errors import InvalidArgument, SentiricLlamaError, Unavailable
from sentiric_llama.host.standard_input import InputLines
from sentiric_llama.host.terminal import Terminal, print_stderr
from sentiric_llama.locale.messages import say, say_many
from sentiric_llama.types import Final, TruncationReport

PROMPT = ">>> "
CONTINUED = "... "
NO_MESSAGE = (
    "no message given; run chat in a terminal, or pipe one: echo Hello | sentiric-llama chat"
)


class Repl:
    """One conversation with one model in one terminal."""

    def __init__(
        self,
        client: ChatClient,
        terminal: Terminal,
        options: GenerationOptions,
        system: str = "",
        notes: Mapping[str, str] | None = None,
        *,
        shows_thoughts: bool = True,
    ) -> None:
        """`notes` has what is said of a model at the beginning, by its name."""
        self.conversation = Conversation(system)
        self.options = options
        self.shows_numbers = not terminal.quiet
        self.last_numbers = ""
        self._client = client
        self._terminal = terminal
        self._attached: list[str] = []
        self._is_typed = sys.stdin is not None and sys.stdin.isatty()
        self._input = InputLines()
        self._exit_code = 0
        self._is_lost = False
        self._notes = notes or {}
        self._shows_thoughts = shows_thoughts

    def run(self) -> int:
        """Until /quit, the end of the input or two Ctrl-C. Returns the exit code.

        Through a pipe it is that of the first error, and a server that is gone ends the run; a
        person has seen both. Raises InvalidArgument for input that is empty or not UTF-8.
        """
        if self._is_typed:
            edit_lines()
            self._greet()
        interrupts, is_empty = 0, True
        while interrupts < 2:
            try:
                line = self._read()
                interrupts = 0
            except KeyboardInterrupt:
                interrupts += 1
                self.note("\n" + (say("press Ctrl-C again to quit") if interrupts < 2 else ""))
                continue
            except EOFError:
                break
            is_empty = is_empty and not line.strip()
            if self._answers(line) or self._is_lost:
                break
        if is_empty and not self._is_typed:
            raise InvalidArgument(NO_MESSAGE, where="standard input")
        return self._exit_code

    def _greet(self) -> None:
        name = self._client.name
        self.note(say("{name}; /help shows the commands", name=name))
        if name in self._notes:
            self.note(say(self._notes[name]))

    def _answers(self, line: str) -> bool:
        """As `_handle`; what goes wrong is told, and the conversation goes on."""
        try:
            return self._handle(line)
        except SentiricLlamaError as error:
            self._note_failure(error)
        except KeyboardInterrupt:  # before the first token came
            self.note("")
        return False

    def _note_failure(self, error: SentiricLlamaError) -> None:
        code = self._terminal.fail(error)
        if not self._is_typed:
            self._exit_code = self._exit_code or code
            self._is_lost = isinstance(error, Unavailable)

    def note(self, text: str) -> None:
        """Something that is no answer."""
        print_stderr(text)

    def attach(self, text: str) -> None:
        """Text that goes with the next message."""
        self._attached.append(text)

    def ask(self, question: str) -> None:
        """Sends a message and shows the answer as it comes. What was stopped stays as it is."""
        self.conversation.ask(question)
        try:
            self.conversation.answer(self._show_answer())
        except SentiricLlamaError:
            self.conversation.take_back()
            raise

    def _handle(self, line: str) -> bool:
        """One input. True when the conversation is over."""
        if line.startswith("/"):
            return slash.execute(self, line)
        if line.strip():
            attached, self._attached = self._attached, []
            self.ask("\n\n".join([*attached, line]))
        return False

    def _read(self) -> str:
        """One message: a line, or all between two fences."""
        line = self._line(PROMPT)
        if not line.lstrip().startswith(slash.FENCE):
            return line
        lines = [line.lstrip().removeprefix(slash.FENCE)]
        while not lines[-1].rstrip().endswith(slash.FENCE):
            lines.append(self._line(CONTINUED))
        lines[-1] = lines[-1].rstrip().removesuffix(slash.FENCE)
        return "\n".join(lines).strip("\n")

    def _line(self, prompt: str) -> str:
        return self._terminal.read_line(prompt) if self._is_typed else self._input.next()

    def _show_answer(self) -> str:
        pieces: list[str] = []
        started, first = time.monotonic(), 0.0
        final: Final | None = None
        context = TruncationReport()
        thoughts = Thoughts(self._terminal, is_shown=self._shows_thoughts)
        stream = self._client.answer(self.conversation.as_messages(), self.options)
        try:
            with closing(cast(Any, stream)):
                for delta in stream:
                    if delta.content or delta.reasoning_content:
                        first = first or time.monotonic()
                    thoughts.show(delta.reasoning_content)
                    if delta.content:
                        thoughts.end()
                        pieces.append(delta.content)
                        self._show(delta.content)
                    final, context = delta.final or final, delta.truncation
        except KeyboardInterrupt:
            thoughts.end()
            self._show(f" [{say('stopped')}]")
        except SentiricLlamaError:
            if pieces:
                self._show("\n")
            raise
        self._show("\n")
        if final is None:
            one = "stopped after {count} character; the statistics come with the end of an answer"
            many = "stopped after {count} characters; the statistics come with the end of an answer"
            self.last_numbers = say_many(len("".join(pieces)), one, many)
        else:
            ttft_ms = 1e3 * ((first or time.monotonic()) - started)
            self.last_numbers = numbers(final, ttft_ms, context)
            self._show_numbers()
        return "".join(pieces)

    def _show(self, text: str) -> None:
        self._terminal.show(text)

    def _show_numbers(self) -> None:
        if not self.shows_numbers:
            return
        self._terminal.note_dim(self.last_numbers)


def edit_lines() -> None:
    """Gives input() editing, a history in memory, and pasted lines as one message.

    Python switches bracketed paste off, with which a terminal says what was pasted.
    """
    with contextlib.suppress(ImportError):
        import readline

        readline.parse_and_bind("set enable-bracketed-paste on")
