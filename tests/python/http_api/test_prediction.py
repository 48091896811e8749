# SPDX-License-Identifier: AGPL-3.0-only
"""`prediction`: what an answer is expected to be. The engine drafts from it."""

from __future__ import annotations

from typing import Any

import pytest

from sentiric_llama.types.ranges import MAX_PREDICTION

ASKED = [{"role": "user", "content": "hi"}]
TEXT = "You said: ho"


def details(usage: Any) -> tuple[int, int]:
    found = usage["completion_tokens_details"]
    return found["accepted_prediction_tokens"], found["rejected_prediction_tokens"]


@pytest.mark.parametrize(
    "content", [TEXT, [{"type": "text", "text": TEXT}], [{"type": "text", "text": t} for t in "ab"]]
)
def test_its_tokens_are_for_the_engine(server: Any, content: Any) -> None:
    reply = server.chat(ASKED, prediction={"type": "content", "content": content})
    assert reply.status == 200 and "x-ignored-fields" not in reply.headers
    given = server.engine.requests[-1].prediction
    expected = content if isinstance(content, str) else "\n".join(p["text"] for p in content)
    assert "".join(map(chr, given)) == expected


@pytest.mark.parametrize("stream", [False, True])
def test_usage_says_what_it_was_good_for(server: Any, stream: bool) -> None:
    fields: Any = {"prediction": {"type": "content", "content": TEXT}, "n": 2, "stream": stream}
    if stream:
        fields["stream_options"] = {"include_usage": True}
    reply = server.chat(ASKED, **fields)
    usage = reply.events[-2]["usage"] if stream else reply.json["usage"]
    assert details(usage) == (2 * len("You said: h"), 2)


def test_without_one_there_is_nothing_to_say(server: Any) -> None:
    for fields in ({}, {"prediction": None}, {"prediction": {"type": "content", "content": ""}}):
        reply = server.chat(ASKED, **fields)
        assert details(reply.json["usage"]) == (0, 0)
        assert not server.engine.requests[-1].prediction


def test_what_is_too_long_is_cut(server: Any) -> None:
    content = "a" * (MAX_PREDICTION + 1)
    assert server.chat(ASKED, prediction={"type": "content", "content": content}).status == 200
    assert len(server.engine.requests[-1].prediction) == MAX_PREDICTION


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ("text", "prediction"),
        ({}, "prediction.type"),
        ({"type": "text", "content": "a"}, "prediction.type"),
        ({"type": "content"}, "prediction.content"),
        ({"type": "content", "content": 5}, "prediction.content"),
        ({"type": "content", "content": [5]}, "prediction.content.0"),
        ({"type": "content", "content": [{"type": "image"}]}, "prediction.content.0.type"),
    ],
)
def test_refused(server: Any, given: Any, param: str) -> None:
    before = len(server.engine.requests)
    reply = server.chat(ASKED, prediction=given)
    assert (reply.status, reply.error["param"]) == (400, param)
    assert len(server.engine.requests) == before


def test_where_it_has_no_effect_it_is_named(server: Any) -> None:
    given = {"type": "content", "content": "a"}
    for path, body in (("/v1/completions", {"prompt": "a"}), ("/v1/responses", {"input": "a"})):
        reply = server.post(path, body | {"prediction": given})
        assert reply.headers["x-ignored-fields"] == "prediction"
