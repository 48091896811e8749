# SPDX-License-Identifier: AGPL-3.0-only
"""Embeddings are those that llama.cpp alone computes from the same file, and what has none."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

import models
import plain_llama
from sentiric_llama.engine.aio import AsyncEngine
from sentiric_llama.engine.blocking import Engine
from sentiric_llama.errors import NotSupported

TOLERANCE = 1e-4
CONTEXT = 512
TEXTS = (
    "Merhaba dünya, bugün hava çok güzel.",
    "Hello world",
    "İstanbul'da ğüşıöç 🦙",
    "one two three four five six seven " * 25,  # more tokens than a step of the engine below
    "a",
)
STEP = 64
CASES = [
    *(("small-q8_0", pooling) for pooling in ("mean", "cls", "last")),
    *(("bert-f16", pooling) for pooling in ("auto", "mean", "cls", "last")),
    *((name, "mean") for name in ("tiny-f16", "tiny-q4_0", "llama3-q8_0")),
]


def opened(name: str, pooling: str = "auto", **options: Any) -> Engine:
    return Engine(
        str(models.model(name)),
        contexts=2,
        context_size=CONTEXT,
        batch_size=STEP,
        compute_threads=1,
        embedding_pooling=pooling,
        **options,
    )


@pytest.mark.parametrize(("how", "flash"), [("alone", "auto"), ("batch", "off")])
@pytest.mark.parametrize(("name", "pooling"), CASES)
def test_they_are_llama_cpps(name: str, pooling: str, how: str, flash: str) -> None:
    with opened(name, pooling, flash_attention=flash) as engine:
        ids = [engine.tokenize(text, add_special=True) for text in TEXTS]
        batch = engine.embed(TEXTS)
        alone = np.concatenate([engine.embed(text) for text in reversed(TEXTS)])[::-1]
        of_ids = engine.embed([], ids)
    assert max(map(len, ids)) > 2 * STEP
    wanted = plain_llama.vectors(models.model(name), pooling, ids, how)
    assert wanted.shape == (len(TEXTS), batch.shape[1])
    assert np.abs(batch - wanted).max() <= TOLERANCE
    assert np.array_equal(alone, batch)
    assert np.array_equal(of_ids, batch)


def test_a_decoder_that_names_no_pooling_takes_the_mean() -> None:
    with opened("small-q8_0") as engine, opened("small-q8_0", "mean") as mean:
        assert np.array_equal(engine.embed(TEXTS), mean.embed(TEXTS))


def test_an_encoder_takes_its_own_pooling() -> None:
    with opened("bert-f16") as engine, opened("bert-f16", "cls") as first:
        assert np.array_equal(engine.embed(TEXTS), first.embed(TEXTS))


def test_many_at_a_time_are_the_same() -> None:
    async def embed(path: str) -> list[np.ndarray]:
        options = {"contexts": 2, "context_size": CONTEXT, "compute_threads": 1}
        async with await AsyncEngine.open(path, **options) as engine:
            return await asyncio.gather(*(engine.embed(text) for text in TEXTS))

    with opened("bert-f16") as engine:
        wanted = engine.embed(TEXTS)
    found = asyncio.run(embed(str(models.model("bert-f16"))))
    assert np.array_equal(np.concatenate(found), wanted)


def test_a_model_that_scores_pairs_is_refused() -> None:
    with opened("ranker-q8_0") as engine:
        for _ in range(2):
            with pytest.raises(NotSupported, match="embedding_pooling") as caught:
                engine.embed(TEXTS)
            assert caught.value.where == "embed"
        assert engine.generate("a", max_tokens=2).usage.completion_tokens == 2
    with opened("ranker-q8_0", "mean") as engine:
        assert np.linalg.norm(engine.embed("a")) == pytest.approx(1, abs=1e-5)


def test_an_encoder_generates_nothing() -> None:
    with opened("bert-f16") as engine:
        assert not engine.info.can_generate
        for refused in (
            lambda: engine.generate("a"),
            lambda: engine.chat([{"role": "user", "content": "a"}]),
            lambda: engine.logits([1, 2]),
        ):
            with pytest.raises(NotSupported, match="an encoder") as caught:
                refused()
            assert caught.value.where == "model"
        assert engine.stats().requests_submitted == 0
    with opened("small-q8_0") as engine:
        assert engine.info.can_generate
