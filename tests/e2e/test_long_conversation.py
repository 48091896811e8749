# SPDX-License-Identifier: AGPL-3.0-only
"""Conversations far longer than the context: nothing fails, and nothing is dropped silently."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from http_client import StreamThread
from server_process import ServerProcess

CONTEXT = 256
# What the guide was made to find in its context; it is small and does not find everything.
FACTS = [
    ("Kapı kodu 5316.", "Kapı kodu nedir?", "5316"),
    ("Kapı kodu 8042.", "Kapı kodu nedir?", "8042"),
    ("Kasa kodu 7795.", "Kasa kodu nedir?", "7795"),
    ("The meeting is at 14:30.", "When is the meeting?", "14:30"),
    ("The door code is 4172.", "What is the door code?", "4172"),
    ("The gate code is 9053.", "What is the gate code?", "9053"),
]
Messages = list[dict[str, str]]


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    made = ServerProcess(context_size=CONTEXT).wait_ready()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _healthy(server: ServerProcess) -> Iterator[None]:
    yield
    server.check_healthy()


def known_facts(server: ServerProcess) -> list[tuple[str, str, str]]:
    """Those that the guide repeats when it is asked at once."""
    found = [
        (fact, question, value)
        for fact, question, value in FACTS
        if value in server.chat(asked(fact, question), temperature=0).text
    ]
    assert len(found) >= 2
    return found


def asked(fact: str, question: str) -> Messages:
    return [{"role": "system", "content": fact}, {"role": "user", "content": question}]


def test_an_answer_of_four_contexts(server: Any) -> None:
    fields: dict[str, Any] = {"max_tokens": 4 * CONTEXT, "ignore_eos": True, "temperature": 0}
    for fact, question, value in known_facts(server):
        messages = asked(fact, "Who are you?")
        reply = server.chat(messages, **fields)
        body = reply.json
        assert body["choices"][0]["finish_reason"] == "length"
        assert body["usage"]["completion_tokens"] == 4 * CONTEXT
        prompt, shifted = body["usage"]["prompt_tokens"], body["truncation"]["shifted_tokens"]
        assert prompt + 4 * CONTEXT - shifted <= CONTEXT
        assert f"shifted_tokens={shifted}" in reply.headers["x-truncated"]
        messages.append({"role": "assistant", "content": reply.text})
        messages.append({"role": "user", "content": question})
        answer = server.chat(messages, temperature=0)
        assert value in answer.text
        assert answer.json["truncation"]["dropped_turns"] > 0


def test_a_stream_reports_what_was_shifted(server: Any) -> None:
    fields: dict[str, Any] = {"max_tokens": 4 * CONTEXT, "ignore_eos": True, "temperature": 0}
    whole = server.chat("hello", **fields)
    reply = server.chat("hello", stream=True, **fields)
    last = [event for event in reply.events if event != "[DONE]"][-1]
    assert last["truncation"] == whole.json["truncation"]
    assert last["truncation"]["shifted_tokens"] > 2 * CONTEXT
    assert reply.text == whole.text


def test_many_turns_keep_the_system_prompt(server: Any) -> None:
    fact, question, value = known_facts(server)[0]
    messages: Messages = [{"role": "system", "content": fact}]
    generated = 0
    while generated < 4 * CONTEXT:
        messages.append({"role": "user", "content": f"Tell me more, part {len(messages)}."})
        reply = server.chat(messages, temperature=0, max_tokens=100, ignore_eos=True)
        assert reply.status == 200, reply.body
        generated += reply.json["usage"]["completion_tokens"]
        messages.append({"role": "assistant", "content": reply.text})
    assert reply.json["truncation"]["dropped_turns"] >= 4
    header = re.findall(r"(\w+)=(\d+)", reply.headers["x-truncated"])
    assert {name: int(count) for name, count in header} == reply.json["truncation"]
    # The guide finds little behind much other text, so the last turn pushes out the others.
    messages[-1]["content"] *= 3
    messages.append({"role": "user", "content": question})
    answer = server.chat(messages, temperature=0)
    assert value in answer.text
    assert answer.json["truncation"]["dropped_turns"] == len(messages) // 2 - 1  # pairs


def test_truncation_is_the_callers_choice(server: Any) -> None:
    turns = [("user", "Who are you?"), ("assistant", "I am the guide. " * 8)] * 12
    messages = [{"role": role, "content": content} for role, content in turns]
    messages.append({"role": "user", "content": "Which port does HTTP use?"})
    refused = server.chat(messages, truncation="error")
    assert (refused.status, refused.error["code"]) == (400, "context_length_exceeded")
    assert refused.error["n_ctx"] == CONTEXT < refused.error["n_prompt_tokens"]
    dropped = server.chat(messages, truncation="drop_turns", temperature=0)
    assert dropped.json["truncation"]["dropped_turns"] > 0 and "16070" in dropped.text
    shifted = server.chat(messages, truncation="shift", temperature=0, max_tokens=20)
    assert shifted.status == 200 and shifted.json["truncation"]["dropped_tokens"] > 0


def test_long_answers_side_by_side(server: Any) -> None:
    fields: dict[str, Any] = {"max_tokens": 3 * CONTEXT, "ignore_eos": True, "temperature": 0}
    solo = [StreamThread(server.port, f"story {i}", **fields).text() for i in range(4)]
    threads = [StreamThread(server.port, f"story {i}", **fields) for i in range(4)]
    assert [thread.text() for thread in threads] == solo
    assert len(set(solo)) == len(solo)


def test_json_survives_the_shift(server: Any) -> None:
    """A grammar's state is about the text, so tokens that leave the context do not disturb it."""
    item = {"type": "integer", "minimum": 100000, "maximum": 999999}
    schema = {"type": "array", "items": item, "minItems": 120, "maxItems": 120}
    reply = server.chat("numbers", json_schema=schema, temperature=1, seed=1, max_tokens=4000)
    assert reply.json["choices"][0]["finish_reason"] == "stop"
    assert len(json.loads(reply.text)) == 120
    assert reply.json["truncation"]["shifted_tokens"] > 0
