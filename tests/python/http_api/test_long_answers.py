# SPDX-License-Identifier: AGPL-3.0-only
"""Long answers are written in steps, off the event loop, so that no stream stands still."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.http.errors import dump_json
from sentiric_llama.http.responses import endpoint
from sentiric_llama.http.routes import chat
from sentiric_llama.http.stepped_json import STEP, SteppedJson, dump_long, json_steps

VALUES: list[Any] = [
    {},
    [],
    None,
    "ğ\n",
    {"a": [], "b": {}, "c": [[]]},
    {"a": list(range(3 * STEP))},
    [{"rows": [[0.5] * 100] * 100, "text": "ş" * 10**6}, {"x": None}],
    [[[1] * STEP, 2, [3] * STEP], "end"],
    {"many": {str(index): [index] for index in range(2 * STEP)}},
]


@pytest.mark.parametrize("value", VALUES)
def test_steps_add_up_to_the_same_json(value: Any) -> None:
    assert dump_long(value) == dump_json(value)


def test_an_iterator_is_a_list() -> None:
    def rows() -> Iterator[Any]:
        yield from ([index] * 100 for index in range(1000))

    assert json.loads(dump_long({"rows": rows(), "end": 1})) == {"rows": [*rows()], "end": 1}
    assert json.loads(dump_json({"rows": iter(())})) == {"rows": []}


def test_no_step_is_long() -> None:
    values = {"rows": [[0.25] * 50] * 10_000}
    steps = list(json_steps(values))
    assert len(steps) >= 500_000 // (2 * STEP)
    assert max(map(len, steps)) <= 2 * STEP * len("0.25,")


def test_an_answer_that_is_not_json() -> None:
    with pytest.raises(TypeError):
        dump_json({1, 2})


async def sent(content: Any) -> list[Any]:
    found: list[Any] = []

    async def send(message: Any) -> None:
        found.append(message)

    async def receive() -> Any:
        raise AssertionError("it reads nothing")

    await SteppedJson(content, {"x-extra": "1"})({"type": "http"}, receive, send)
    return found


def test_only_the_beginning_is_made_on_the_event_loop() -> None:
    makers: list[threading.Thread] = []

    def rows() -> Iterator[Any]:
        for index in range(10 * STEP):
            makers.append(threading.current_thread())
            yield index

    start, *bodies = asyncio.run(sent({"rows": rows()}))
    assert dict(start["headers"]) == {b"content-type": b"application/json", b"x-extra": b"1"}
    assert json.loads(b"".join(part["body"] for part in bodies)) == {"rows": list(range(10 * STEP))}
    assert [part["more_body"] for part in bodies] == [True] * (len(bodies) - 1) + [False]
    assert makers.count(threading.current_thread()) < 3 * STEP


def test_a_short_answer_has_its_length() -> None:
    start, body = asyncio.run(sent({"rows": iter([1, 2])}))
    assert dict(start["headers"])[b"content-length"] == b"14"
    assert body["body"] == b'{"rows":[1,2]}'


def is_stepped(reply: Any) -> bool:
    assert reply.status == 200, reply.body[:300]
    return "content-length" not in reply.headers


TEXT = "x" * 600


def test_whole_answers_with_many_log_probabilities(start: Any) -> None:
    server = start(lambda: FakeEngine(TEXT))
    few = server.chat(logprobs=True, max_tokens=3)
    assert not is_stepped(few)
    many = server.chat(logprobs=True, top_logprobs=20, n=2, max_tokens=600)
    assert is_stepped(many)
    for choice in many.json["choices"]:
        content = choice["logprobs"]["content"]
        assert [len(token["top_logprobs"]) for token in content] == [20] * 600
        assert choice["message"]["content"] == TEXT
    body = {"prompt": "a", "logprobs": 20, "max_tokens": 600}
    texts = server.post("/v1/completions", body)
    assert is_stepped(texts)
    assert len(texts.json["choices"][0]["logprobs"]["top_logprobs"]) == 600


def test_embeddings_as_numbers(start: Any) -> None:
    server = start()
    reply = server.post("/v1/embeddings", {"input": ["a"] * 2000})
    assert is_stepped(reply)
    assert [item["index"] for item in reply.json["data"]] == list(range(2000))
    assert not is_stepped(server.post("/v1/embeddings", {"input": ["a"]}))


@pytest.mark.parametrize("stream", [False, True])
def test_a_response_is_ended_off_the_event_loop(
    start: Any, monkeypatch: pytest.MonkeyPatch, stream: bool
) -> None:
    writers: set[str] = set()
    ended = endpoint.Envelope.ended

    def note(self: Any, *args: Any) -> bytes:
        writers.add(threading.current_thread().name)
        return ended(self, *args)

    monkeypatch.setattr(endpoint.Envelope, "ended", note)
    server = start(lambda: FakeEngine(TEXT))
    body = {
        "input": "hi",
        "include": ["message.output_text.logprobs"],
        "top_logprobs": 20,
        "max_output_tokens": 600,
        "stream": stream,
    }
    reply = server.post("/v1/responses", body)
    assert reply.status == 200 and reply.body.count(b'"top_logprobs"') >= 600
    assert all(name.startswith("sentiric-off-loop") for name in writers) and writers


def test_a_long_step_of_a_stream_is_encoded_off_the_event_loop(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat, "LONG", 5)
    encoders: set[str] = set()
    encode = chat.ChunkWriter.encode

    def note(self: Any, items: Any) -> bytes:
        if any(item.delta.logprobs for item in items):
            encoders.add(threading.current_thread().name)
        return encode(self, items)

    monkeypatch.setattr(chat.ChunkWriter, "encode", note)
    server = start(lambda: FakeEngine("abc"))
    assert server.chat(stream=True, logprobs=True, top_logprobs=10).status == 200
    assert encoders and all(name.startswith("sentiric-off-loop") for name in encoders)
