# SPDX-License-Identifier: AGPL-3.0-only
"""What was said so far. It lives in memory until somebody saves it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sentiric_llama.errors import InvalidArgument
from sentiric_llama.host.bounded_files import read_bounded
from sentiric_llama.host.private_files import write_fault, write_private

MAX_SAVED_BYTES = 64 * 2**20
Turn = dict[str, str]


@dataclass
class Conversation:
    """A system prompt and turns; the last turn may be a question without an answer."""

    system: str = ""
    turns: list[Turn] = field(default_factory=list)

    def ask(self, text: str) -> None:
        self.turns.append({"role": "user", "content": text})

    def answer(self, text: str) -> None:
        """The answer to the last question; part of one when it was stopped."""
        if text:
            self.turns.append({"role": "assistant", "content": text})

    def take_back(self) -> str:
        """Removes the last question with its answer and returns the question, "" without one."""
        while self.turns:
            turn = self.turns.pop()
            if turn["role"] == "user":
                return turn["content"]
        return ""

    def clear(self) -> None:
        self.turns.clear()

    def as_messages(self) -> list[Turn]:
        """What goes to the model."""
        system = [{"role": "system", "content": self.system}] if self.system else []
        return [*system, *self.turns]

    def save(self, path: Path) -> None:
        """A JSON file with the messages, readable by its owner alone."""
        text = json.dumps({"messages": self.as_messages()}, ensure_ascii=False, indent=2)
        try:
            write_private(path, f"{text}\n".encode("utf-8", "replace"))
        except OSError as error:
            raise _bad_file(path, write_fault(path, error)) from None

    def load(self, path: Path) -> None:
        """Replaces everything by what `save` wrote."""
        try:
            raw = read_bounded(path, MAX_SAVED_BYTES)
        except OSError as error:
            raise _bad_file(path, error.strerror or "") from None
        try:
            messages = json.loads(raw)["messages"]
            turns = [{"role": _role(m), "content": str(m["content"])} for m in messages]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise _bad_file(path, "not a saved conversation") from None
        self.system = "\n".join(t["content"] for t in turns if t["role"] == "system")
        self.turns = [turn for turn in turns if turn["role"] != "system"]


def read_text(path: Path, limit: int = 4 * 2**20) -> str:
    """A text file of at most `limit` bytes. InvalidArgument says what is wrong with it."""
    try:
        raw = read_bounded(path, limit, may_be_pipe=True)
    except OSError as error:
        raise _bad_file(path, error.strerror or "") from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _bad_file(path, "not a UTF-8 text") from None


def _role(message: dict[str, Any]) -> str:
    role = message["role"]
    if role not in ("system", "user", "assistant"):
        raise ValueError(role)
    return str(role)


def _bad_file(path: Path, what: str) -> InvalidArgument:
    return InvalidArgument(f"{path}: {what}", where="file")
