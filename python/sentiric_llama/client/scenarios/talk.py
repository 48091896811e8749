# SPDX-License-Identifier: AGPL-3.0-only
"""One conversation of a test with a server, over HTTP."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any, NamedTuple, cast

from sentiric_llama.client.scenarios.suite import Interruption, Test
from sentiric_llama.client.server import Server
from sentiric_llama.errors import InternalError, ModelNotFound

CHAT = "/v1/chat/completions"
PATIENCE_S = 10.0
"""Longest wait for the context of an answer that was cut off."""
MISSING_ADAPTER = "the server lacks the adapter {name}: answered without it"

Messages = list[dict[str, str]]


class Said(NamedTuple):
    """How one conversation went."""

    fault: str
    notes: tuple[str, ...]
    longest_ms: float
    """Of its answers."""


class Talk:
    """One caller in one conversation."""

    def __init__(self, server: Server, test: Test) -> None:
        self._server = server
        self._test = test
        self._adapter = test.adapter
        self._notes: list[str] = []
        self._longest_ms = 0.0
        self._messages: Messages = []
        if test.system:
            self._messages.append({"role": "system", "content": test.system})

    def run(self) -> Said:
        """All turns; the first wrong answer ends it. Raises what the server refuses."""
        fault = ""
        for number, turn in enumerate(self._test.turns):
            self._messages.append({"role": "user", "content": turn.say})
            if number == 0 and self._test.interrupt is not None:
                fault = self._interrupt(self._test.interrupt)
            else:
                answer = self._answer()
                self._messages.append({"role": "assistant", "content": answer})
                fault = turn.check.fault(answer)
            if fault:
                is_one = len(self._test.turns) == 1
                fault = fault if is_one else f"turn {number + 1}: {fault}"
                break
        return Said(fault, tuple(self._notes), self._longest_ms)

    def _answer(self) -> str:
        started = time.monotonic()
        try:
            body = self._server.post(CHAT, self._body())
        except ModelNotFound:
            if not self._adapter:
                raise
            self._notes.append(MISSING_ADAPTER.format(name=self._adapter))
            self._adapter = ""
            body = self._server.post(CHAT, self._body())
        self._longest_ms = max(self._longest_ms, 1e3 * (time.monotonic() - started))
        return text_of(body)

    def _interrupt(self, cut: Interruption) -> str:
        """Hangs up in the middle of an answer. What was heard stays in the conversation."""
        before, heard = active_in(self._server), ""
        body = self._body() | {"stream": True, "ignore_eos": True, "max_tokens": 4096}
        with closing(cast(Any, self._server.events(CHAT, body))) as events:
            for event in events:
                heard += "".join(_delta(choice) for choice in event.get("choices") or [])
                if len(heard) >= cut.after_characters:
                    break
            else:
                return "the answer ended before it was interrupted"
        hung_up = time.monotonic()
        while active_in(self._server) > before:
            if time.monotonic() - hung_up > PATIENCE_S:
                return f"the context was not free after {PATIENCE_S:g} s"
        free_ms = 1e3 * (time.monotonic() - hung_up)
        self._notes.append(f"heard {len(heard)} characters, free after {free_ms:.0f} ms")
        self._messages.append({"role": "assistant", "content": heard})
        return ""

    def _body(self) -> dict[str, Any]:
        test = self._test
        body: dict[str, Any] = {"messages": self._messages, "temperature": 0, "max_tokens": 256}
        body["reasoning_effort"] = "none"  # a caller is waiting
        body |= {"rag_context": test.facts} if test.facts else {}
        body |= {"lora_adapter": self._adapter} if self._adapter else {}
        return body | dict(test.fields)


def text_of(body: Mapping[str, Any]) -> str:
    """What a whole answer says."""
    try:
        content = body["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError):
        raise InternalError(f"{CHAT} sent no answer", where="server") from None
    return content if isinstance(content, str) else ""


def active_in(server: Server) -> int:
    """Contexts in use."""
    body = server.get("/health").body
    capacity = body.get("capacity") if isinstance(body, dict) else None
    if not isinstance(capacity, dict):
        what = "the server does not say how many contexts are free"
        raise InternalError(what, where="/health")
    return int(capacity["active"])


def _delta(choice: Mapping[str, Any]) -> str:
    delta: Mapping[str, Any] = choice.get("delta") or {}
    texts: Sequence[str | None] = (delta.get("reasoning_content"), delta.get("content"))
    return "".join(filter(None, texts))
