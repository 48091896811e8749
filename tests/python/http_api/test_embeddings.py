# SPDX-License-Identifier: AGPL-3.0-only
"""Embeddings over HTTP: every form of input, both encodings, what is refused."""

from __future__ import annotations

import asyncio
import base64
import math
import struct
import threading
from typing import Any

import pytest

from http_client import open_post, reset, wait_until
from sentiric_llama.engine.fake import FAKE_INFO
from sentiric_llama.service.prompt import embed_call


def embed(server: Any, given: Any, **fields: Any) -> Any:
    return server.post("/v1/embeddings", {"input": given, **fields})


def vectors(reply: Any) -> list[list[float]]:
    assert reply.status == 200, reply.body
    assert [item["index"] for item in reply.json["data"]] == list(range(len(reply.json["data"])))
    return [item["embedding"] for item in reply.json["data"]]


def test_texts_and_their_tokens_are_the_same(server: Any) -> None:
    texts = ["merhaba", "dünya"]
    ids = [list(map(ord, text)) for text in texts]
    both = embed(server, texts)
    assert vectors(both) == vectors(embed(server, ids))
    assert vectors(embed(server, texts[0])) == vectors(embed(server, ids[0])) == vectors(both)[:1]
    assert vectors(embed(server, [texts[0], ids[1]])) == vectors(both)
    assert both.json["usage"] == {"prompt_tokens": 12, "total_tokens": 12}
    assert both.json["object"] == "list" and both.json["model"] == "fake-model"


def test_base64_holds_the_same_numbers(server: Any) -> None:
    (numbers,) = vectors(embed(server, "a"))
    (text,) = vectors(embed(server, "a", encoding_format="base64"))
    assert list(struct.unpack(f"<{FAKE_INFO.num_embd}f", base64.b64decode(text))) == numbers


def test_fewer_dimensions_have_length_one(server: Any) -> None:
    (short,) = vectors(embed(server, "a", dimensions=1))
    assert len(short) == 1 and math.isclose(abs(short[0]), 1)
    (whole,) = vectors(embed(server, "a", dimensions=FAKE_INFO.num_embd))
    assert whole == vectors(embed(server, "a"))[0]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({}, "input"),
        ({"input": []}, "input"),
        ({"input": ""}, "input"),
        ({"input": ["a", ""]}, "input"),
        ({"input": ["a", 1]}, "input.1"),
        ({"input": [1, "a"]}, "input"),
        ({"input": [[1], [-1]]}, "input"),
        ({"input": [[0x110000]]}, "input"),
        ({"input": [True]}, "input.0"),
        ({"input": {"text": "a"}}, "input"),
        ({"input": ["a"] * 2049}, "input"),
        ({"input": "a", "encoding_format": "hex"}, "encoding_format"),
        ({"input": "a", "dimensions": 0}, "dimensions"),
        ({"input": "a", "dimensions": FAKE_INFO.num_embd + 1}, "dimensions"),
        ({"input": "a", "model": "other"}, "model"),
    ],
)
def test_refused(server: Any, fields: dict[str, Any], param: str) -> None:
    reply = server.post("/v1/embeddings", fields)
    assert reply.status == (404 if param == "model" else 400)
    assert reply.error["param"].startswith(param)


def test_the_official_client(server: Any) -> None:
    from openai import OpenAI

    with OpenAI(base_url=f"{server.url}/v1", api_key="none") as client:
        made = client.embeddings.create(model="default", input=["a", "b"])
        assert [item.embedding for item in made.data] == vectors(embed(server, ["a", "b"]))


def test_dimensions_are_checked_before_anything_is_embedded(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def embed_nothing(*_: Any) -> Any:
        raise AssertionError("nothing is to be embedded")

    monkeypatch.setattr(server.engine, "embed", embed_nothing)
    reply = embed(server, "a", dimensions=FAKE_INFO.num_embd + 1)
    assert (reply.status, reply.error["param"]) == (400, "dimensions")
    assert f"1..{FAKE_INFO.num_embd}" in reply.error["message"]


def test_many_inputs_are_embedded_in_portions(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embed_call, "PORTION", 10)
    sizes: list[int] = []
    embed_all = server.engine.embed

    async def note(texts: Any, prompts: Any) -> Any:
        sizes.append(len(prompts))
        return await embed_all(texts, prompts)

    texts = ["abcd", "e" * 12, "fgh", "ijk", "lmno", "p"]
    expected = vectors(embed(server, texts))
    monkeypatch.setattr(server.engine, "embed", note)
    assert vectors(embed(server, texts)) == expected
    assert sizes == [1, 1, 3, 1]


def test_nothing_is_embedded_for_a_client_that_has_left(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embed_call, "PORTION", 1)
    begun = threading.Event()
    ended: list[str] = []

    async def wait(_texts: Any, prompts: Any) -> Any:
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    monkeypatch.setattr(server.engine, "embed", wait)
    peer = open_post(server.port, "/v1/embeddings", {"input": ["a", "b", "c"]})
    assert begun.wait(30)
    reset(peer)
    metrics = server.service.request_metrics
    assert wait_until(lambda: not metrics.running)
    assert ended == ["cancelled"]


def test_portions_hold_every_prompt() -> None:
    for sizes in ([], [1], [1] * 9, [5, 5, 5], [2000, 1], [1, 2000, 1], [256, 256, 1]):
        prompts = [[0] * size for size in sizes]
        found = list(embed_call.portions(prompts))
        assert [prompt for portion in found for prompt in portion] == prompts
        assert all(len(p) == 1 or sum(map(len, p)) <= embed_call.PORTION for p in found if p)
        assert all(len(p) <= embed_call.PORTION_INPUTS for p in found)
