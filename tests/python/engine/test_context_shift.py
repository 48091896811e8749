# SPDX-License-Identifier: AGPL-3.0-only
"""A sequence at the end of its context: what goes, what stays, what is reported."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine_tools import GREEDY, prompt_tokens
from sentiric_llama.engine.blocking import Engine
from sentiric_llama.errors import ContextLengthExceeded

SIZES = [64, 256]


@pytest.fixture(scope="module", params=SIZES)
def engine(small_q8_0: Path, request: pytest.FixtureRequest) -> Iterator[Engine]:
    size: int = request.param
    with Engine(str(small_q8_0), contexts=2, context_size=size, compute_threads=1) as engine:
        yield engine


def lengths(size: int) -> tuple[int, ...]:
    return 1, size // 2, size - 1


def test_four_contexts_in_one_generation(engine: Engine) -> None:
    """What is held never exceeds the context; the newest token is not in the cache yet."""
    size = engine.info.context_size
    for length in lengths(size):
        before = engine.stats()
        made = shifted = 0
        stream = engine.stream(prompt_tokens(length), GREEDY, max_tokens=4 * size, ignore_eos=True)
        for delta in stream:
            made += len(delta.tokens)
            assert delta.truncation.shifted_tokens >= shifted
            shifted = delta.truncation.shifted_tokens
            assert length + made - shifted <= size + 1
        assert delta.final is not None
        assert delta.final.finish_reason == "length"
        assert delta.final.usage.prompt_tokens == length
        assert delta.final.usage.completion_tokens == made == 4 * size
        assert delta.truncation.truncated
        assert (delta.truncation.dropped_turns, delta.truncation.dropped_tokens) == (0, 0)
        after = engine.stats()
        assert after.shifted_tokens - before.shifted_tokens == shifted
        assert after.shifts > before.shifts


def test_the_first_shift_comes_when_the_context_is_full(engine: Engine) -> None:
    size = engine.info.context_size
    made = 0
    stream = engine.stream(prompt_tokens(10), GREEDY, max_tokens=2 * size, ignore_eos=True)
    for delta in stream:
        if delta.truncation.shifted_tokens:
            break
        made += len(delta.tokens)
    stream.close()
    assert 10 + made == size + 1
    assert delta.truncation.shifted_tokens == (size - 1) // 2  # half of all but BOS


def test_until_the_first_shift_nothing_differs(engine: Engine) -> None:
    size = engine.info.context_size
    prompt = prompt_tokens(10)
    bounded = engine.stream(prompt, GREEDY, max_tokens=2 * size, ignore_eos=True, shift=False)
    shifting = engine.stream(prompt, GREEDY, max_tokens=2 * size, ignore_eos=True)
    a = [token for delta in bounded for token in delta.tokens]
    b = [token for delta in shifting for token in delta.tokens]
    assert b[: len(a)] == a
    assert len(b) == 2 * size


def test_the_same_text_again_after_shifts(engine: Engine) -> None:
    size = engine.info.context_size
    runs = [
        [
            token
            for delta in engine.stream(
                prompt_tokens(9), GREEDY, max_tokens=3 * size, ignore_eos=True
            )
            for token in delta.tokens
        ]
        for _ in range(2)
    ]
    assert runs[0] == runs[1]


def test_without_shift_the_text_ends_at_the_last_cell(engine: Engine) -> None:
    size = engine.info.context_size
    for length in lengths(size):
        deltas = list(
            engine.stream(
                prompt_tokens(length), GREEDY, max_tokens=10 * size, ignore_eos=True, shift=False
            )
        )
        made = sum(len(delta.tokens) for delta in deltas)
        assert deltas[-1].final is not None
        assert deltas[-1].final.finish_reason == "length"
        assert length + made == size + 1
        assert not deltas[-1].truncation.truncated


def test_a_prompt_leaves_room_for_one_token(engine: Engine) -> None:
    size = engine.info.context_size
    for length in (size, size + 1, 10 * size):
        for policy in ("drop_turns", "error"):
            with pytest.raises(ContextLengthExceeded) as caught:
                list(engine.stream(prompt_tokens(length), GREEDY, truncation=policy))  # type: ignore[arg-type]
            assert str(length) in caught.value.what
            assert str(size - 1) in caught.value.what


def test_a_long_prompt_may_lose_its_middle(engine: Engine) -> None:
    size = engine.info.context_size
    for length in (size, size + 1, 10 * size):
        prompt = prompt_tokens(length)
        deltas = list(engine.stream(prompt, GREEDY, truncation="shift", max_tokens=5))
        report, final = deltas[-1].truncation, deltas[-1].final
        assert final is not None
        assert report.dropped_tokens == length - (size - 1)
        assert final.usage.prompt_tokens == size - 1
        newest = [prompt[0], *prompt[-(size - 2) :]]  # BOS and the end of the prompt
        same = list(engine.stream(newest, GREEDY, max_tokens=5))
        assert [d.tokens for d in deltas if d.tokens] == [d.tokens for d in same if d.tokens]


def test_both_contexts_shift_at_once(engine: Engine) -> None:
    size = engine.info.context_size
    streams = [
        engine.stream(prompt_tokens(9, seed), GREEDY, max_tokens=2 * size, ignore_eos=True)
        for seed in (1, 2)
    ]
    together = [[t for delta in stream for t in delta.tokens] for stream in streams]
    alone = [
        [
            t
            for delta in engine.stream(
                prompt_tokens(9, seed), GREEDY, max_tokens=2 * size, ignore_eos=True
            )
            for t in delta.tokens
        ]
        for seed in (1, 2)
    ]
    assert together == alone
