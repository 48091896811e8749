# SPDX-License-Identifier: AGPL-3.0-only
"""Log-probabilities of a prompt: those of its logits, with our products and with llama.cpp's."""

from __future__ import annotations

import asyncio
import json
import math
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import models
import plain_llama
from engine_tools import GREEDY, environment, prompt_tokens, read
from sentiric_llama.engine.aio import AsyncEngine, collect
from sentiric_llama.engine.blocking import Engine
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.types import ChosenLogprob, Completion

TOLERANCE = 1e-4
PROGRAM = """
import json, sys
from sentiric_llama.engine.blocking import Engine
ids = json.loads(sys.argv[2])
with Engine(sys.argv[1], contexts=2, context_size=512, compute_threads=1) as engine:
    deltas = list(engine.stream(ids, max_tokens=0, prompt_logprobs=3))
entries = [entry for delta in deltas for entry in delta.prompt_logprobs]
print(json.dumps([[(each.token, each.logprob) for each in (entry.chosen, *entry.top)]
                  for entry in entries[1:]]))
"""


def log_softmax(rows: Any) -> np.ndarray:
    rows = rows.astype(np.float64)
    shifted = rows - rows.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def scored(engine: Engine, prompt: Any, top: int = 3, **options: Any) -> Completion:
    asked: dict[str, Any] = {"max_tokens": 0, "prompt_logprobs": top} | options
    return Completion.join(list(engine.stream(prompt, GREEDY, **asked)))


def numbers(entries: tuple[ChosenLogprob, ...]) -> list[float]:
    return [entry.chosen.logprob for entry in entries[1:]]


@pytest.mark.parametrize("length", [1, 2, 33, 34, 200])
def test_they_are_those_of_the_logits(tiny: Engine, length: int) -> None:
    ids = prompt_tokens(length)
    entries = scored(tiny, ids).prompt_logprobs
    assert [entry.chosen.token for entry in entries] == ids
    assert math.isnan(entries[0].chosen.logprob) and entries[0].top == ()
    rows = log_softmax(tiny.logits(ids))
    for row, token, entry in zip(rows, ids[1:], entries[1:], strict=False):
        assert abs(entry.chosen.logprob - row[token]) < TOLERANCE
        assert [each.logprob for each in entry.top] == pytest.approx(
            sorted(row, reverse=True)[:3], abs=TOLERANCE
        )


@pytest.mark.parametrize("name", ["small-q8_0", "tiny-f16", "tiny-q4_0"])
def test_with_llama_cpps_products_they_are_llama_cpps(name: str) -> None:
    model, ids = models.model(name), prompt_tokens(90)
    command = [sys.executable, "-c", PROGRAM, str(model), str(ids)]
    variables = environment() | {"SENTIRIC_CPU_KERNELS": "llama"}
    done = subprocess.run(
        command, env=variables, capture_output=True, text=True, timeout=120, check=True
    )
    rows = log_softmax(plain_llama.logits(model, ids, repacks=True))
    found = json.loads(done.stdout)
    assert len(found) == len(ids) - 1
    for row, token, ((same, own), *top) in zip(rows, ids[1:], found, strict=False):
        assert same == token and abs(own - row[token]) < TOLERANCE
        for each, logprob in top:
            assert abs(logprob - row[each]) < TOLERANCE


def test_a_text_has_its_first_token_and_whole_pieces(tiny: Engine) -> None:
    text = "Merhaba dünya, bugün İstanbul'da hava çok güzel 🦙"
    entries = scored(tiny, text).prompt_logprobs
    assert [entry.chosen.token for entry in entries] == tiny.tokenize(text, add_special=True)
    assert b"".join(entry.chosen.piece for entry in entries).decode() == f" {text}"


def test_what_follows_is_what_follows_without_them(tiny: Engine) -> None:
    ids = prompt_tokens(70)
    made = scored(tiny, ids, 0, max_tokens=20)
    assert list(made.tokens) == read(tiny.stream(ids, GREEDY, max_tokens=20))
    assert all(entry.top == () for entry in made.prompt_logprobs)


def test_the_cache_is_not_asked_but_filled(tiny: Engine) -> None:
    ids = prompt_tokens(150, seed=7)
    read(tiny.stream(ids, GREEDY, max_tokens=1))
    made = scored(tiny, ids)
    assert made.usage.cached_tokens == 0 and len(made.prompt_logprobs) == 150
    again = Completion.join(list(tiny.stream(ids, GREEDY, max_tokens=1)))
    assert again.usage.cached_tokens > 100


def test_neighbours_and_the_asynchronous_engine_give_the_same(tiny: Engine) -> None:
    prompts = [prompt_tokens(length, seed=3) for length in (300, 40, 7)]
    alone = [numbers(scored(tiny, ids).prompt_logprobs) for ids in prompts]

    async def together(path: str) -> list[list[float]]:
        options = {"contexts": 8, "context_size": 512, "compute_threads": 1, "prefill_chunk": 9}
        async with await AsyncEngine.open(path, **options) as engine:
            made = await asyncio.gather(
                *(collect(engine.stream(ids, prompt_logprobs=1)) for ids in prompts),
                *(collect(engine.stream(prompt_tokens(50), max_tokens=60)) for _ in range(3)),
            )
        return [numbers(each.prompt_logprobs) for each in made[:3]]

    assert asyncio.run(together(tiny.info.path)) == alone


def test_a_slow_reader_stops_the_prompt(tiny: Engine) -> None:
    stream = tiny.stream(prompt_tokens(500), GREEDY, max_tokens=1, prompt_logprobs=1)
    with stream:
        first = next(stream)
        assert first.prompt_logprobs and not first.tokens
        entries = len(first.prompt_logprobs) + sum(len(d.prompt_logprobs) for d in stream)
    assert entries == 500


@pytest.mark.parametrize("value", [21, -2, "a", 1.5])
def test_wrong_numbers_are_refused(tiny: Engine, value: Any) -> None:
    with pytest.raises(InvalidArgument) as caught:
        scored(tiny, [1, 500], value)
    assert caught.value.where == "prompt_logprobs"


def test_a_model_without_bos_scores_all_but_the_first() -> None:
    with Engine(str(models.model("qwen2-q8_0")), contexts=1, context_size=64) as engine:
        entries = scored(engine, "one two").prompt_logprobs
    assert b"".join(entry.chosen.piece for entry in entries) == b"one two"
    assert [math.isnan(entry.chosen.logprob) for entry in entries] == [True, False]
