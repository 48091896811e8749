# SPDX-License-Identifier: AGPL-3.0-only
"""Prefixes are computed once, preempted sequences resume, and no text changes because of either."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine_tools import GREEDY, prompt_tokens, read, seeded, side_by_side, wait_until_idle
from sentiric_llama.engine.blocking import Engine, Stream
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.types import Completion, Priority, SamplingParams

SCHEDULES = int(os.environ.get("SENTIRIC_SCHEDULES", "300"))  # 10000 is the nightly size


def open_engine(path: Path, **settings: object) -> Engine:
    return Engine(
        str(path), **{"context_size": 512, "compute_threads": 1, "contexts": 4, **settings}
    )


def generate(engine: Engine, tokens: list[int], count: int = 8, **options: object) -> Completion:
    stream = engine.stream(tokens, GREEDY, max_tokens=count, ignore_eos=True, **options)
    return Completion.join(list(stream))


class TestSharing:
    def test_eight_at_once_compute_their_prefix_once(self, tiny_q8_0: Path) -> None:
        prefix = prompt_tokens(1200)
        prompts = [prefix + prompt_tokens(20, seed)[1:] for seed in range(2, 10)]
        with open_engine(tiny_q8_0, contexts=8, context_size=2048) as engine:
            tasks = [lambda p=prompt: generate(engine, p) for prompt in prompts]
            answers = side_by_side(*tasks)
            stats = engine.stats()
        suffixes = sum(len(prompt) - len(prefix) for prompt in prompts)
        assert stats.prompt_tokens <= len(prefix) + suffixes + 64
        assert stats.cached_tokens == sum(answer.usage.cached_tokens for answer in answers)
        for answer, prompt in zip(answers, prompts, strict=True):
            assert answer.timings.cache_n + answer.timings.prompt_n == len(prompt)
        with open_engine(tiny_q8_0, prefix_cache=False, contexts=1, context_size=2048) as solo:
            assert [generate(solo, p).tokens for p in prompts] == [a.tokens for a in answers]
            assert solo.stats().cached_tokens == 0

    def test_a_conversation_pays_for_its_new_turn_only(self, tiny_q8_0: Path) -> None:
        with open_engine(tiny_q8_0) as engine:
            talk = prompt_tokens(100)
            for turn in range(4):
                answer = generate(engine, talk)
                assert answer.usage.cached_tokens == (len(talk) - 11 if turn else 0)
                talk = [*talk, *answer.tokens, *prompt_tokens(10, turn)]

    def test_more_conversations_than_contexts(self, tiny_q8_0: Path) -> None:
        with open_engine(tiny_q8_0, contexts=2) as engine:
            for turn in range(3):
                for talk in range(6):
                    tokens = prompt_tokens(150, talk) + prompt_tokens(20 * turn + 2, 99)
                    cached = generate(engine, tokens, 2).usage.cached_tokens
                    assert turn == 0 or cached >= 150
            assert engine.stats().prefix_hits_host >= 8
            assert engine.stats().host_cache_bytes > 0

    def test_without_host_memory_they_are_computed_again(self, tiny_q8_0: Path) -> None:
        with open_engine(tiny_q8_0, contexts=1, host_cache_bytes=0) as engine:
            for talk in (0, 1, 0, 1):
                assert generate(engine, prompt_tokens(100, talk)).usage.cached_tokens == 0
            assert engine.stats().host_cache_bytes == 0

    def test_scopes_never_meet(self, tiny_q8_0: Path) -> None:
        prompt = prompt_tokens(100)
        with open_engine(tiny_q8_0) as engine:
            assert generate(engine, prompt, cache_scope="a").usage.cached_tokens == 0
            assert generate(engine, prompt, cache_scope="b").usage.cached_tokens == 0
            assert generate(engine, prompt, cache_scope="a").usage.cached_tokens == 98

    def test_a_request_that_was_cancelled_leaves_what_it_computed(self, tiny_q8_0: Path) -> None:
        prompt = prompt_tokens(400)
        with open_engine(tiny_q8_0) as engine:
            want = generate(engine, prompt, cache_scope="other").tokens
            with engine.stream(prompt, GREEDY, max_tokens=50, ignore_eos=True) as stream:
                next(stream)
            wait_until_idle(engine)
            answer = generate(engine, prompt)
            assert answer.usage.cached_tokens == 398
            assert answer.tokens == want

    def test_what_was_shifted_is_not_found(self, tiny_q8_0: Path) -> None:
        prompt = prompt_tokens(100)
        with open_engine(tiny_q8_0, context_size=256) as engine:
            shifted = generate(engine, prompt, 300)
            assert shifted.truncation.shifted_tokens > 0
            again = generate(engine, prompt)
            assert again.tokens == shifted.tokens[:8]

    def test_a_shift_leaves_what_others_share_in_one_buffer(self, tiny_q8_0: Path) -> None:
        first, other = ([*prompt_tokens(200), *prompt_tokens(10, seed)[1:]] for seed in (5, 6))
        with open_engine(tiny_q8_0, context_size=256, kv_layout="unified") as engine:
            want = generate(engine, first).tokens
            shifted = generate(engine, other, 120)
            assert shifted.usage.cached_tokens == 200
            assert shifted.truncation.shifted_tokens > 0
            again = generate(engine, first)
            assert again.usage.cached_tokens > 200
            assert again.tokens == want

    def test_the_texts_are_those_of_the_one_buffer_too(self, tiny_q8_0: Path) -> None:
        prefix = prompt_tokens(200)
        prompts = [prefix + prompt_tokens(10, seed)[1:] for seed in range(2, 8)]
        with open_engine(tiny_q8_0, kv_layout="unified") as engine:
            answers = [generate(engine, prompt) for prompt in prompts]
            assert [a.usage.cached_tokens for a in answers] == [0, 200, 200, 200, 200, 200]
        with open_engine(tiny_q8_0, kv_layout="unified", prefix_cache=False) as engine:
            assert [generate(engine, p).tokens for p in prompts] == [a.tokens for a in answers]


class TestPressure:
    def test_three_times_what_fits_finishes_with_the_same_texts(self, tiny_q8_0: Path) -> None:
        """Twelve long requests on four contexts, the more urgent ones later: many are preempted.

        They are so long that none ends before the last ones come.
        """
        size, length = 512, 400
        classes: tuple[Priority, ...] = ("batch", "normal", "realtime")
        prompts = [prompt_tokens(60, seed) for seed in range(12)]
        with open_engine(tiny_q8_0, contexts=4, context_size=size, queue_limit=64) as engine:
            with ExitStack() as cleanup:
                streams, heads = [], [[] for _ in prompts]
                for index, prompt in enumerate(prompts):
                    stream = engine.stream(
                        prompt,
                        GREEDY,
                        max_tokens=length,
                        ignore_eos=True,
                        priority=classes[index // 4],
                    )
                    streams.append(cleanup.enter_context(stream))
                    if index % 4 == 3:  # the class runs before the next one comes
                        heads[index - 3] = list(next(streams[index - 3]).tokens)
                tails = side_by_side(*[lambda s=stream: read(s) for stream in streams])
                texts = [head + tail for head, tail in zip(heads, tails, strict=True)]
            stats = engine.stats()
        assert stats.preemptions >= 8
        assert stats.resumes == stats.preemptions
        assert stats.requests_failed == 0
        with open_engine(tiny_q8_0, contexts=1, context_size=size) as solo:
            assert [list(generate(solo, prompt, length).tokens) for prompt in prompts] == texts

    def test_one_buffer_that_is_too_small_for_all_finishes_them(self, tiny_q8_0: Path) -> None:
        """Cells for a third of twelve contexts. Texts depend on the neighbours in this layout."""
        prompts = [prompt_tokens(60, seed) for seed in range(24)]
        settings = {"kv_layout": "unified", "contexts": 12, "context_size": 256}
        with open_engine(tiny_q8_0, **settings, kv_cells=1024, queue_limit=64) as engine:
            tasks = [lambda p=prompt: generate(engine, p, 120) for prompt in prompts]
            answers = side_by_side(*tasks)
            stats = engine.stats()
        assert stats.preemptions > 0
        assert stats.requests_failed == 0
        assert [len(answer.tokens) for answer in answers] == [120] * len(prompts)

    def test_realtime_takes_the_place_of_batch_and_both_finish(self, tiny_q8_0: Path) -> None:
        with open_engine(tiny_q8_0, contexts=1) as engine:
            want = generate(engine, prompt_tokens(50, 1), 200, cache_scope="solo").tokens
            patient = engine.stream(
                prompt_tokens(50, 1), GREEDY, max_tokens=200, ignore_eos=True, priority="batch"
            )
            head = list(next(patient).tokens)
            urgent = generate(engine, prompt_tokens(20, 2), 4, priority="realtime")
            assert len(urgent.tokens) == 4
            assert head + read(patient) == list(want)
            stats = engine.stats()
            assert (stats.preemptions, stats.resumes) == (1, 1)

    def test_only_known_classes(self, tiny_q8_0: Path) -> None:
        with open_engine(tiny_q8_0) as engine, pytest.raises(InvalidArgument, match="priority"):
            generate(engine, prompt_tokens(5), priority="urgent")

    def test_cells_are_for_one_buffer_only(self, tiny_q8_0: Path) -> None:
        with pytest.raises(InvalidArgument, match="kv_cells"):
            open_engine(tiny_q8_0, kv_layout="split", kv_cells=1024)


@dataclass(frozen=True)
class Case:
    """A request whose text alone is known."""

    tokens: tuple[int, ...]
    count: int
    sampling: SamplingParams
    alone: tuple[int, ...]


@pytest.fixture(scope="module")
def cases(tiny_q8_0: Path) -> list[Case]:
    """Requests with many common prefixes, and what each says with the engine for itself."""
    rng = random.Random(7)
    made = []
    with open_engine(tiny_q8_0, contexts=1, prefix_cache=False) as engine:
        for index in range(40):
            head = prompt_tokens(80, rng.randrange(3))[: rng.choice((20, 40, 80))]
            tokens = tuple(head + prompt_tokens(rng.randint(2, 30), 50 + index)[1:])
            count = rng.randint(1, 24)
            sampling = rng.choice((GREEDY, seeded(index)))
            stream = engine.stream(tokens, sampling, max_tokens=count, ignore_eos=True)
            answer = Completion.join(list(stream))
            made.append(Case(tokens, count, sampling, answer.tokens))
    return made


@pytest.fixture(scope="module", params=range(6), ids=lambda index: f"engine-{index}")
def mixed_engine(request: pytest.FixtureRequest, tiny_q8_0: Path) -> Iterator[Engine]:
    """Engines with little room, so that sequences are preempted, moved and evicted."""
    rng = random.Random(request.param)
    with open_engine(
        tiny_q8_0,
        deterministic=True,
        contexts=rng.randint(1, 5),
        prefill_chunk=rng.choice((2, 7, 31, 64)),
        physical_batch_size=rng.choice((32, 64, 512)),
        host_cache_bytes=rng.choice((0, 100_000, 1_000_000)),
        queue_limit=64,
    ) as engine:
        yield engine


def test_random_schedules_change_no_token(mixed_engine: Engine, cases: list[Case]) -> None:
    """Mates, chunk sizes, prefix hits, preemptions, cancels, evictions: 0 differing tokens."""
    rng = random.Random(mixed_engine.info.contexts)
    classes: tuple[Priority, ...] = ("realtime", "normal", "batch")
    for _ in range(SCHEDULES // 6):
        with ExitStack() as cleanup:
            running: list[tuple[Case, Stream, list[int]]] = []
            for case in rng.sample(cases, rng.randint(2, 8)):
                stream = mixed_engine.stream(
                    case.tokens,
                    case.sampling,
                    max_tokens=case.count,
                    ignore_eos=True,
                    priority=rng.choice(classes),
                    tenant=rng.choice("abc"),
                )
                cleanup.enter_context(stream)
                head = list(next(stream).tokens) if rng.random() < 0.3 else []
                running.append((case, stream, head))
            for case, stream, head in running:
                if rng.random() < 0.15:
                    stream.close()
                else:
                    assert tuple(head + read(stream)) == case.alone


def test_no_conversation_influences_another(tiny_q8_0: Path, cases: list[Case]) -> None:
    """A thousand mixed requests of three tenants, each in its own scope, on two contexts."""
    rng = random.Random(3)
    seen: dict[str, set[tuple[int, ...]]] = {tenant: set() for tenant in "abc"}
    with open_engine(tiny_q8_0, contexts=2, deterministic=True, host_cache_bytes=300_000) as engine:

        def ask(case: Case, tenant: str) -> Completion:
            stream = engine.stream(
                case.tokens,
                case.sampling,
                max_tokens=case.count,
                ignore_eos=True,
                tenant=tenant,
                cache_scope=tenant,
            )
            return Completion.join(list(stream))

        for _ in range(250):
            batch = [(rng.choice(cases), rng.choice("abc")) for _ in range(4)]
            tasks = [lambda c=case, t=tenant: ask(c, t) for case, tenant in batch]
            for (case, tenant), answer in zip(batch, side_by_side(*tasks), strict=True):
                assert answer.tokens == case.alone
                own = any(case.tokens[:20] == other[:20] for other in seen[tenant])
                mates = any(t == tenant and c is not case for c, t in batch)
                assert own or mates or answer.usage.cached_tokens == 0
            for case, tenant in batch:
                seen[tenant].add(case.tokens)
        stats = engine.stats()
    assert stats.prefix_evictions > 0
    assert stats.prefix_hits_host > 0
