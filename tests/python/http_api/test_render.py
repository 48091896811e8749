# SPDX-License-Identifier: AGPL-3.0-only
"""The prompt of a call, shown instead of answered."""

from __future__ import annotations

from typing import Any

import pytest

from sentiric_llama.types.rendering import rendering

QUESTION = {"role": "user", "content": "şunu söyle"}


def test_the_prompt_its_tokens_and_its_messages(server: Any) -> None:
    talk = [{"role": "system", "content": "kısa"}, QUESTION]
    reply = server.post("/v1/chat/completions/render", {"messages": talk})
    assert reply.status == 200
    shown = reply.json
    assert shown["object"] == "rendered_prompt" and shown["model"] == "fake-model"
    assert shown["prompt"] == "<system>kısa<user>şunu söyle"
    assert shown["input_tokens"] == len(shown["tokens"]) == len("kısaşunu söyle")
    assert [m["role"] for m in shown["messages"]] == ["system", "user"]
    for message, asked in zip(shown["messages"], talk, strict=True):
        assert shown["prompt"][message["begins"] :].startswith(asked["content"])
    assert shown["changes"] == [] and shown["cached_tokens"] == 0
    assert not server.engine.requests


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/messages/render", {"model": "default", "max_tokens": 5, "messages": [QUESTION]}),
        ("/v1/responses/render", {"input": "şunu söyle"}),
    ],
)
def test_the_other_protocols(server: Any, path: str, body: Any) -> None:
    reply = server.post(path, body)
    assert reply.status == 200 and reply.json["prompt"] == "<user>şunu söyle"
    assert server.post(path, body | {"temperature": "x"}).status == 400


def test_what_was_moved_for_the_sake_of_the_prefix(server: Any) -> None:
    billing = "x-anthropic-billing-header: cc_version=2;"
    system = [{"type": "text", "text": billing}, {"type": "text", "text": "Be brief."}]
    body = {"model": "default", "max_tokens": 5, "messages": [QUESTION], "system": system}
    shown = server.post("/v1/messages/render", body).json
    assert shown["changes"] == [{"rule": "billing", "where": "system", "text": billing}]
    assert shown["prompt"] == "<system>Be brief.<user>şunu söyle"
    messages = [{"role": "system", "content": f"{billing}\nBe brief."}, QUESTION]
    shown = server.post("/v1/chat/completions/render", {"messages": messages}).json
    assert [change["where"] for change in shown["changes"]] == ["messages.0.content"]


def test_a_refusal_is_that_of_the_call(server: Any) -> None:
    reply = server.post("/v1/chat/completions/render", {"messages": []})
    assert reply.status == 400 and reply.error["param"] == "messages"


def test_places_are_counted_in_characters() -> None:
    text = "ışık<a>şu<b>"
    begins = [text.encode().index(mark) for mark in (b"<a>", b"<b>", "ş".encode())]
    assert rendering(text, [-1, *begins], [], 0).message_begins == (None, 4, 9, 1)
