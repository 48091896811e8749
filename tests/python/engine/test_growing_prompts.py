# SPDX-License-Identifier: AGPL-3.0-only
"""Prompts that are evaluated while somebody still speaks: max_tokens 0."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import models
from engine_tools import GREEDY
from sentiric_llama.engine.blocking import Engine
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.types import Message, Request

SYSTEM = {"role": "system", "content": "Sen yardımsever bir sesli asistansın. Kısa cevap ver."}
SAID = (
    "Merhaba, yarın saat 14.30 için Ankara'ya bir bilet almak istiyorum ama önce "
    "fiyatını öğrenebilir miyim? I don't know yet."
)


def steps(text: str) -> list[str]:
    """Ten beginnings, each longer, cut wherever the recogniser happens to be."""
    return [text[: len(text) * count // 10] for count in range(1, 11)]


@pytest.fixture(scope="module", params=["split", "unified"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    path = str(models.model("tiny-q8_0"))
    options: Any = {"contexts": 2, "context_size": 512, "compute_threads": 1}
    with Engine(path, kv_layout=request.param, **options) as opened:
        yield opened


def test_no_token_is_computed_twice(engine: Engine) -> None:
    before = engine.stats()
    computed, cached = 0, 0
    for said in steps(SAID):
        done = engine.chat([SYSTEM, {"role": "user", "content": said}], GREEDY, max_tokens=0)
        assert (done.text, done.tokens, done.finish_reason) == ("", (), "length")
        assert done.timings.cache_n + done.timings.prompt_n <= done.usage.prompt_tokens
        assert done.usage.cached_tokens >= cached  # never less than before
        cached = done.usage.cached_tokens
        computed += done.timings.prompt_n
    talk = [SYSTEM, {"role": "user", "content": SAID}]
    answer = engine.chat(talk, GREEDY, max_tokens=8, ignore_eos=True)
    assert answer.usage.prompt_tokens == len(engine.tokenize_chat(talk))
    assert computed + answer.timings.prompt_n == answer.usage.prompt_tokens
    after = engine.stats()
    assert after.prompt_tokens - before.prompt_tokens == answer.usage.prompt_tokens
    assert answer.timings.prompt_n < 20  # what the end of the turn adds
    with Engine(engine.info.path, contexts=1, context_size=512, compute_threads=1) as fresh:
        alone = fresh.chat(talk, GREEDY, max_tokens=8, ignore_eos=True)
    if engine.info.kv_layout == "split":
        assert alone.tokens == answer.tokens


def test_the_same_words_again_cost_nothing(engine: Engine) -> None:
    talk = [SYSTEM, {"role": "user", "content": "Saat kaç acaba"}]
    engine.chat(talk, GREEDY, max_tokens=0)
    before = engine.stats().prompt_tokens
    again = engine.chat(talk, GREEDY, max_tokens=0)
    assert again.timings.prompt_n == 0
    assert again.usage.cached_tokens == again.usage.prompt_tokens
    assert engine.stats().prompt_tokens == before


@pytest.mark.parametrize("messages", [[SYSTEM], [{"role": "user", "content": ""}]])
def test_before_anybody_has_spoken(engine: Engine, messages: list[dict[str, str]]) -> None:
    warmed = engine.chat(messages, GREEDY, max_tokens=0)
    question = {"role": "user", "content": "Nasılsın?"}
    talk = [messages[0], question] if messages == [SYSTEM] else [question]
    answer = engine.chat(talk, GREEDY, max_tokens=1)
    assert answer.usage.cached_tokens >= (warmed.usage.prompt_tokens if messages == [SYSTEM] else 0)
    assert 0 < warmed.usage.prompt_tokens < answer.usage.prompt_tokens


def test_a_prompt_that_does_not_fit_is_cut_as_always(engine: Engine) -> None:
    turns = [
        {"role": role, "content": "bir iki üç dört beş " * 10}
        for _ in range(6)
        for role in ("user", "assistant")
    ]
    done = engine.chat([SYSTEM, *turns, {"role": "user", "content": "ve"}], GREEDY, max_tokens=0)
    assert done.truncation.dropped_turns > 0
    assert done.usage.prompt_tokens < 512


def test_the_prompt_is_described_as_it_would_be_evaluated(engine: Engine) -> None:
    talk = (Message("system", "Kısa cevap ver, lütfen."), Message("user", "Işık açık mı?"))
    given = [{"role": m.role, "content": m.content} for m in talk]
    shown = engine.describe_chat(Request(messages=talk))
    assert shown.text == engine.render_chat(given)
    assert list(shown.tokens) == engine.tokenize_chat(given)
    for message, begin in zip(talk, shown.message_begins, strict=True):
        assert begin is not None and shown.text[begin:].startswith(message.content)
    assert shown.cached_tokens < len(shown.tokens)
    first = engine.chat(given, GREEDY, max_tokens=1)
    assert first.usage.cached_tokens == shown.cached_tokens
    again = engine.describe_chat(Request(messages=talk))
    assert again.cached_tokens == engine.chat(given, GREEDY, max_tokens=1).usage.cached_tokens > 0
    other = engine.describe_chat(Request(messages=talk, cache_scope="other"))
    assert other.cached_tokens == 0
    with pytest.raises(InvalidArgument):
        engine.describe_chat(Request(text="no messages"))
