# SPDX-License-Identifier: AGPL-3.0-only
"""A message as the events of a stream."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from typing import Any

from sentiric_llama.http.errors import HttpError
from sentiric_llama.http.json_body import parse_object
from sentiric_llama.service.chat_stream import ChoiceDelta
from sentiric_llama.types import Delta, Final, Usage
from sentiric_llama.types.answer import Kind, Piece
from sentiric_llama.types.result import Ending

Event = dict[str, Any]
PING: Event = {"type": "ping"}

_STOP_REASONS: dict[Ending, str] = {"tool_calls": "tool_use", "length": "max_tokens"}
DELTAS = {
    "text": ("text_delta", "text"),
    "thinking": ("thinking_delta", "thinking"),
    "tool_use": ("input_json_delta", "partial_json"),
}
"""Type of a block -> type and field of its deltas."""


class MessageEvents:
    """Writes one message. Blocks are in the order in which the model wrote them."""

    def __init__(self, model: str, answer_id: str) -> None:
        self._model = model
        self._id = f"msg_{answer_id}"
        self._index = -1
        self._open = ""
        """The type of the block that is not finished; "" if there is none."""
        self._arguments: list[str] = []
        """Of the open call, so far."""
        self._is_cut = False
        """True if the arguments of a call are no JSON object."""

    def start(self, usage: Usage) -> list[Event]:
        """What precedes the blocks. `usage` has the counts of the prompt, as far as known."""
        message: dict[str, Any] = {
            "id": self._id,
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage_json(usage),
        }
        return [{"type": "message_start", "message": message}, PING]

    def feed(self, pieces: Iterable[Piece]) -> list[Event]:
        """What these pieces add. Why a broken call is text has no place here."""
        events: list[Event] = []
        for piece in pieces:
            match piece.kind:
                case Kind.TEXT:
                    events += [*self._begin("text", {"text": ""}), self._delta(piece.text)]
                case Kind.THOUGHT:
                    empty = {"thinking": "", "signature": ""}
                    events += [*self._begin("thinking", empty), self._delta(piece.text)]
                case Kind.CALL:
                    call_id = f"toolu_{secrets.token_hex(12)}"
                    call = {"id": call_id, "name": piece.text, "input": {}}
                    events += self._close() + self._begin("tool_use", call)
                case Kind.ARGUMENTS:
                    self._arguments.append(piece.text)
                    events.append(self._delta(piece.text))
        return events

    def end(self, ending: Ending, final: Final, usage: Usage) -> list[Event]:
        """The end of the last block and of the message."""
        events = self._close()
        reason, stop_sequence = _STOP_REASONS.get(ending, "end_turn"), None
        if ending == "repetition" or self._is_cut:
            reason = "max_tokens"
        elif reason == "end_turn" and final.stop_string is not None:
            reason, stop_sequence = "stop_sequence", final.stop_string
        change = {"stop_reason": reason, "stop_sequence": stop_sequence}
        events.append({"type": "message_delta", "delta": change, "usage": usage_json(usage)})
        return [*events, {"type": "message_stop"}]

    def _begin(self, kind: str, fields: Event) -> list[Event]:
        """Opens a block of this type unless one is open."""
        if self._open == kind:
            return []
        events = self._close()
        self._open, self._index = kind, self._index + 1
        block = {"type": kind} | fields
        start = {"type": "content_block_start", "index": self._index, "content_block": block}
        return [*events, start]

    def _delta(self, text: str) -> Event:
        kind, field = DELTAS[self._open]
        return self._changed({"type": kind, field: text})

    def _changed(self, delta: Event) -> Event:
        return {"type": "content_block_delta", "index": self._index, "delta": delta}

    def _close(self) -> list[Event]:
        if not self._open:
            return []
        kind, self._open = self._open, ""
        # Nobody signs thoughts here, but clients wait for a signature before they keep one.
        sign = {"type": "signature_delta", "signature": ""}
        events = [self._changed(sign)] if kind == "thinking" else []
        if kind == "tool_use":
            self._is_cut |= arguments_of("".join(self._arguments)) is None
            self._arguments.clear()
        return [*events, {"type": "content_block_stop", "index": self._index}]


def arguments_of(text: str) -> dict[str, Any] | None:
    """The arguments of a call; None if they are no JSON object that a request could hold."""
    try:
        return parse_object(text.encode())
    except HttpError:
        return None


def opening_usage(items: Sequence[ChoiceDelta]) -> Usage:
    """The counts of the prompt that came with the first delta; zeros if it had none."""
    first = items[0].delta if items else Delta()
    return Usage(prompt_tokens=first.prompt_tokens, cached_tokens=first.cached_tokens)


def usage_json(usage: Usage) -> dict[str, int]:
    """Anthropic counts the tokens from a cache apart from those of the input."""
    return {
        "input_tokens": usage.prompt_tokens - usage.cached_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": usage.cached_tokens,
        "output_tokens": usage.completion_tokens,
    }
