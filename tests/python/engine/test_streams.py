# SPDX-License-Identifier: AGPL-3.0-only
"""Streams of threads: leaving one frees its context at once; many share one engine."""

from __future__ import annotations

import contextlib
import copy
import gc
import logging
import pickle
import random
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from engine_tools import (
    GREEDY,
    prompt_tokens,
    read,
    seeded,
    side_by_side,
    wait_until,
    wait_until_idle,
)
from sentiric_llama.engine import handle
from sentiric_llama.engine.blocking import Engine, Stream
from sentiric_llama.errors import Cancelled, DeadlineExceeded, InvalidArgument, Overloaded
from sentiric_llama.types.queue import QUEUE_PER_CONTEXT

MANY = 100_000
LIMIT_MS = 120_000  # ends what a failing test leaves running


@pytest.fixture(scope="module")
def shared(small_q8_0: Path) -> Iterator[Engine]:
    with Engine(str(small_q8_0), contexts=2, context_size=128, compute_threads=1) as engine:
        yield engine


@pytest.fixture
def engine(shared: Engine) -> Iterator[Engine]:
    yield shared
    wait_until_idle(shared)
    assert shared.capacity.available == shared.capacity.total == 2


def start(engine: Engine) -> Stream:
    return engine.stream("a", GREEDY, max_tokens=MANY, ignore_eos=True, deadline_ms=LIMIT_MS)


def endless(engine: Engine) -> Stream:
    """A stream that has begun."""
    stream = start(engine)
    next(stream)
    return stream


def check_freed(engine: Engine) -> None:
    """No sequence is left, and no more than the running step and the next are made from now on."""
    steps = engine.stats().steps
    after = wait_until_idle(engine)
    assert after.steps <= steps + 3
    assert after.kv_tokens == 0


def test_closing_frees_the_context(engine: Engine) -> None:
    stream = endless(engine)
    assert engine.capacity.active == 1
    before = engine.stats()
    stream.close()
    check_freed(engine)
    assert engine.stats().requests_cancelled == before.requests_cancelled + 1
    assert list(stream) == []


def test_leaving_a_with_block_frees_it(engine: Engine) -> None:
    with endless(engine):
        pass
    check_freed(engine)


def test_dropping_frees_it(engine: Engine) -> None:
    stream = endless(engine)
    del stream
    gc.collect()
    check_freed(engine)


def test_breaking_out_of_a_loop_frees_it(engine: Engine) -> None:
    for i, _ in enumerate(start(engine)):
        if i == 5:
            break
    gc.collect()
    check_freed(engine)


def test_an_exception_in_the_loop_frees_it(engine: Engine) -> None:
    with pytest.raises(ZeroDivisionError):
        for _ in start(engine):
            1 / 0  # noqa: B018
    gc.collect()
    check_freed(engine)


def test_closing_in_prefill_and_in_the_queue(engine: Engine) -> None:
    streams = [engine.stream(prompt_tokens(100), GREEDY, max_tokens=MANY) for _ in range(8)]
    for stream in streams:
        stream.close()
    after = wait_until_idle(engine)
    assert after.queued == after.prefilling == 0
    read(engine.stream("a", GREEDY, max_tokens=2))


def test_closing_wakes_a_thread_that_reads(engine: Engine) -> None:
    hogs = [endless(engine) for _ in range(2)]
    waiting = engine.stream("a", GREEDY, max_tokens=3)  # no context is free: no news comes
    outcome: list[object] = []

    def reader() -> None:
        try:
            outcome.append(list(waiting))
        except Cancelled as error:
            outcome.append(error)

    thread = threading.Thread(target=reader)
    thread.start()
    waiting.close()
    thread.join(60)
    assert not thread.is_alive()
    assert outcome == [[]] or isinstance(outcome[0], Cancelled)
    for hog in hogs:
        hog.close()


def test_a_cut_text_does_not_look_whole_to_another_thread(engine: Engine) -> None:
    """It was closed between two reads, when nobody waits for an item."""
    stream = endless(engine)
    closing = threading.Thread(target=stream.close)
    closing.start()
    closing.join()
    for _ in range(2):
        with pytest.raises(Cancelled, match="by another thread"):
            next(stream)
    own = endless(engine)
    own.close()
    assert list(own) == []


def test_every_reader_sees_how_a_stream_failed(engine: Engine) -> None:
    """One of them takes the error; a failed text must not look whole to the others."""
    hogs = [endless(engine) for _ in range(2)]
    waiting = engine.stream("a", GREEDY, deadline_ms=50)
    failures: list[str] = []

    def read_on() -> None:
        try:
            list(waiting)
        except DeadlineExceeded as error:
            failures.append(error.where)

    readers = [threading.Thread(target=read_on) for _ in range(3)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(60)
    assert failures == ["queue"] * 3
    for hog in hogs:
        hog.close()


def test_a_whole_text_is_not_cut_by_closing_it(engine: Engine) -> None:
    stream = engine.stream("a", GREEDY, max_tokens=2)
    assert list(stream)[-1].final is not None
    closing = threading.Thread(target=stream.close)
    closing.start()
    closing.join()
    assert list(stream) == []


def test_an_error_does_not_keep_streams_alive(engine: Engine) -> None:
    """Without the garbage collector: an error and its traceback must not form a cycle."""

    def fail() -> list[weakref.ref[Stream]]:
        hogs = [endless(engine) for _ in range(2)]
        for prompt in ("a", ["a", "b"]):
            with contextlib.suppress(DeadlineExceeded):
                engine.generate(prompt, GREEDY, deadline_ms=50)  # type: ignore[call-overload]
                pytest.fail("no context was free")
        return [weakref.ref(hog) for hog in hogs]

    gc.collect()
    gc.disable()
    try:
        assert [ref() for ref in fail()] == [None, None]
    finally:
        gc.enable()


def test_an_error_of_a_list_names_its_prompt(engine: Engine) -> None:
    with pytest.raises(InvalidArgument) as caught:
        engine.generate(["a", "", "c"], GREEDY, max_tokens=2)
    assert caught.value.__notes__ == ["in prompt 1 of the list"]


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_stream_is_not_copied(engine: Engine, duplicate: Callable[[Stream], object]) -> None:
    """Dropping the copy would cancel the request."""
    with endless(engine) as stream, pytest.raises(TypeError, match="cannot be"):
        duplicate(stream)


def test_a_log_handler_that_raises_leaves_the_pump_alone(engine: Engine) -> None:
    def fail(_record: logging.LogRecord) -> bool:
        raise RuntimeError

    handle._logger.addFilter(fail)
    try:
        handle._log(lambda: [(logging.ERROR, "a line of llama.cpp")])
    finally:
        handle._logger.removeFilter(fail)


def test_a_full_queue_refuses(engine: Engine) -> None:
    allowed = 2 + QUEUE_PER_CONTEXT * 2  # contexts, and as many waiting as the default allows
    with ExitStack() as streams:
        for _ in range(allowed):
            streams.enter_context(start_when_there_is_room(engine))
        before = engine.stats().requests_rejected
        with pytest.raises(Overloaded) as caught:
            engine.stream("a", GREEDY)
        assert f"got {allowed} requests" in caught.value.what
        assert engine.stats().requests_rejected == before + 1
    start_when_there_is_room(engine).close()


def start_when_there_is_room(engine: Engine) -> Stream:
    """A request that was closed counts until its end was reported."""
    stream: list[Stream] = []

    def try_once() -> bool:
        try:
            stream.append(start(engine))
        except Overloaded:
            return False
        return True

    wait_until(try_once)
    return stream[0]


def test_waiting_too_long_for_a_context(small_q8_0: Path) -> None:
    options = {"contexts": 1, "context_size": 64, "compute_threads": 1, "queue_wait_ms": 20}
    with Engine(str(small_q8_0), **options) as engine:
        with endless(engine) as hog:
            with pytest.raises(DeadlineExceeded) as caught:
                engine.generate("a", GREEDY, max_tokens=1)
            assert caught.value.where == "queue"
            assert next(hog).tokens
        assert engine.generate("a", GREEDY, max_tokens=1).tokens


def test_the_total_deadline_ends_a_request(engine: Engine) -> None:
    deltas = []
    with pytest.raises(DeadlineExceeded) as caught:
        for delta in engine.stream("a", GREEDY, max_tokens=MANY, ignore_eos=True, deadline_ms=2000):
            deltas.append(delta)
    assert caught.value.where == "deadline"
    assert deltas  # what was made in time was shown
    with pytest.raises(DeadlineExceeded):
        engine.generate("a", GREEDY, max_tokens=MANY, ignore_eos=True, deadline_ms=1)


@pytest.mark.parametrize("deadline", [0, -1])
def test_no_deadline(engine: Engine, deadline: int) -> None:
    assert engine.generate("a", GREEDY, max_tokens=3, deadline_ms=deadline).tokens


def test_thirty_two_threads_share_one_engine(small_q8_0: Path) -> None:
    options = {"contexts": 8, "context_size": 128, "compute_threads": 1, "queue_limit": 64}
    with Engine(str(small_q8_0), **options) as engine:
        texts = [f"Thread number {i}" for i in range(32)]
        alone = [engine.generate(t, seeded(i), max_tokens=12).text for i, t in enumerate(texts)]
        tasks = [
            lambda i=i, t=text: engine.generate(t, seeded(i), max_tokens=12).text
            for i, text in enumerate(texts)
        ]
        assert side_by_side(*tasks) == alone
        assert wait_until_idle(engine).requests_failed == 0


def test_threads_that_leave_at_random(engine: Engine) -> None:
    """200 streams, read to a random point and closed, dropped or finished."""

    def leave(seed: int) -> None:
        rng = random.Random(seed)
        for _ in range(25):
            try:
                prompt = prompt_tokens(rng.randint(1, 100))
                stream = engine.stream(prompt, GREEDY, max_tokens=rng.randint(1, 30))
            except Overloaded:
                continue
            for _ in range(rng.randint(0, 4)):
                next(stream, None)
            if rng.random() < 0.5:
                stream.close()

    failed_before = engine.stats().requests_failed
    side_by_side(*[lambda s=seed: leave(s) for seed in range(8)])
    gc.collect()
    stats = wait_until_idle(engine)
    assert stats.kv_tokens == 0
    assert stats.requests_failed == failed_before


def test_one_crossing_for_each_step(small_q8_0: Path) -> None:
    """Eight streams decode together; the pump is woken once per step, not once per token."""
    with Engine(str(small_q8_0), contexts=8, context_size=128, compute_threads=1) as engine:
        tasks = [
            lambda i=i: read(engine.stream("a", seeded(i), max_tokens=60, ignore_eos=True))
            for i in range(8)
        ]
        side_by_side(*tasks)
        stats = wait_until_idle(engine)
        assert stats.generated_tokens == 8 * 60
        assert stats.event_batches <= stats.steps + 8
        assert stats.steps < 8 * 60


def test_counts_add_up(small_q8_0: Path) -> None:
    with Engine(str(small_q8_0), contexts=2, context_size=128, compute_threads=1) as engine:
        for _ in range(3):
            engine.generate("a", GREEDY, max_tokens=4, ignore_eos=True)
        endless(engine).close()
        stats = wait_until_idle(engine)
        assert stats.requests_submitted == stats.requests_completed == 4
        assert stats.requests_cancelled == 1
        assert stats.prompt_tokens == 4 * len(engine.tokenize("a", add_special=True))
        assert stats.generated_tokens >= 13
        assert stats.step_ms_mean > 0


def test_the_first_delta_says_what_the_prompt_was(tiny: Engine) -> None:
    for prompt in ("Once upon a time", "Once upon a time there was"):
        first, *rest = tiny.stream(prompt, max_tokens=4)
        final = (rest[-1] if rest else first).final
        assert final is not None
        assert (first.prompt_tokens, first.cached_tokens) == (
            final.usage.prompt_tokens,
            final.usage.cached_tokens,
        )
        assert not any(delta.prompt_tokens for delta in rest)
