# SPDX-License-Identifier: AGPL-3.0-only
"""From open to close: what is refused, what ends, and that nothing is left behind."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import threading
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest

from engine_tools import GREEDY, prompt_tokens, read, seeded, side_by_side, wait_until
from sentiric_llama.engine.blocking import Engine
from sentiric_llama.errors import (
    Cancelled,
    InvalidArgument,
    ModelInvalid,
    ModelNotFound,
    SentiricLlamaError,
    Unavailable,
)
from sentiric_llama.types import EngineConfig

MANY = 100_000


def open_engine(path: Path, **options: int) -> Engine:
    return Engine(str(path), **{"contexts": 2, "context_size": 64, "compute_threads": 1, **options})


def num_threads() -> int:
    return len(os.listdir("/proc/self/task"))


def num_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_a_context_manager_closes(small_q8_0: Path) -> None:
    with open_engine(small_q8_0) as engine:
        assert engine.generate("a", GREEDY, max_tokens=2).tokens
    with pytest.raises(Unavailable):
        engine.generate("a", GREEDY)


def test_the_devices_it_may_compute_on(tiny: Engine) -> None:
    by_kind = {device.kind: device for device in tiny.devices()}
    cpu = by_kind["cpu"]
    assert cpu.name == "CPU" and cpu.description and not cpu.is_gpu
    assert 0 < cpu.free < cpu.total == cpu.free + cpu.used


def test_closing_again_does_nothing(small_q8_0: Path) -> None:
    engine = open_engine(small_q8_0)
    for _ in range(3):
        engine.close()
    other = open_engine(small_q8_0)
    side_by_side(*[other.close] * 8)


USES: list[Callable[[Engine], object]] = [
    lambda e: e.generate("a"),
    lambda e: e.generate(["a"]),
    lambda e: e.stream("a"),
    lambda e: e.chat([{"role": "user", "content": "a"}]),
    lambda e: e.stream_chat([{"role": "user", "content": "a"}]),
    lambda e: e.tokenize("a"),
    lambda e: e.detokenize([5]),
    lambda e: e.render_chat([{"role": "user", "content": "a"}]),
    lambda e: e.tokenize_chat([{"role": "user", "content": "a"}]),
    lambda e: e.logits([5]),
    lambda e: e.embed(["a"]),
    lambda e: e.info,
    lambda e: e.capacity,
    lambda e: e.stats(),
]


def test_use_after_close(small_q8_0: Path) -> None:
    engine = open_engine(small_q8_0)
    engine.close()
    for use in USES:
        with pytest.raises(Unavailable):
            use(engine)


def test_closing_ends_what_runs_and_waits(small_q8_0: Path) -> None:
    """Two run, four wait: each reader gets the error and none hangs."""
    engine = open_engine(small_q8_0)
    streams = [engine.stream("a", GREEDY, max_tokens=MANY, ignore_eos=True) for _ in range(6)]
    next(streams[0])

    def outcome(index: int) -> str:
        try:
            read(streams[index])
        except (Cancelled, Unavailable) as error:
            return error.code
        return "finished"

    readers = [lambda i=i: outcome(i) for i in range(6)]
    results = side_by_side(*readers, lambda: engine.close() or "closed")
    assert results[-1] == "closed"
    assert set(results[:-1]) <= {"cancelled", "unavailable"}
    assert [outcome(index) for index in range(6)] == results[:-1]  # other readers see it, too


def test_closing_while_others_submit(small_q8_0: Path) -> None:
    for _ in range(5):
        engine = open_engine(small_q8_0)
        started = threading.Event()

        def work(engine: Engine = engine, started: threading.Event = started) -> bool:
            while True:
                try:
                    engine.generate("a", GREEDY, max_tokens=3)
                    started.set()
                    engine.tokenize("a")
                    engine.logits([5])
                except SentiricLlamaError as error:
                    return isinstance(error, Unavailable | Cancelled)

        def close(engine: Engine = engine, started: threading.Event = started) -> bool:
            started.wait()
            engine.close()
            return True

        assert all(side_by_side(work, work, work, close))


def test_streams_of_a_closed_engine_may_be_closed(small_q8_0: Path) -> None:
    engine = open_engine(small_q8_0)
    stream = engine.stream("a", GREEDY, max_tokens=MANY, ignore_eos=True)
    next(stream)
    engine.close()
    stream.close()
    stream.close()
    assert list(stream) == []


def test_a_dropped_engine_closes_itself(small_q8_0: Path) -> None:
    engine = open_engine(small_q8_0)
    before = num_threads()
    seen = weakref.ref(engine)
    del engine
    gc.collect()
    assert seen() is None
    wait_until(lambda: num_threads() < before)


def test_nothing_is_left(small_q8_0: Path) -> None:
    """Threads, descriptors and memory maps are those from before, whatever was running."""

    def use() -> None:
        engine = open_engine(small_q8_0)
        streams = [engine.stream("a", seeded(i), max_tokens=MANY) for i in range(4)]
        next(streams[0])
        engine.logits([5, 6])
        engine.embed(["a"])
        engine.close()

    use()  # what the first one loads for the process stays
    gc.collect()
    before = (num_files(), {t.name for t in threading.enumerate()})
    threads = num_threads()
    for _ in range(5):
        use()
    assert (num_files(), {t.name for t in threading.enumerate()}) == before
    wait_until(lambda: num_threads() <= threads)
    assert str(small_q8_0) not in Path("/proc/self/maps").read_text("utf-8")


def test_two_engines_at_once(small_q8_0: Path) -> None:
    with open_engine(small_q8_0) as a, open_engine(small_q8_0) as b:
        tokens = side_by_side(
            *[
                lambda e=engine: read(e.stream("Hello", GREEDY, max_tokens=20))
                for engine in (a, b, a, b)
            ]
        )
        assert len({tuple(each) for each in tokens}) == 1


@pytest.mark.parametrize("duplicate", [pickle.dumps, copy.copy, copy.deepcopy])
def test_an_engine_is_not_copied(tiny: Engine, duplicate: Callable[[Engine], object]) -> None:
    with pytest.raises(TypeError, match="per process"):
        duplicate(tiny)


# Models that are none


def test_a_missing_file(tmp_path: Path) -> None:
    for path in ("", tmp_path / "none.gguf"):
        with pytest.raises(ModelNotFound):
            Engine(str(path))


@pytest.mark.parametrize("size", [0, 3, 4, 100, 5_000, 500_000, 0.5, 0.999])
def test_a_truncated_file(small_q8_0: Path, tmp_path: Path, size: float) -> None:
    whole = small_q8_0.read_bytes()
    part = tmp_path / "part.gguf"
    part.write_bytes(whole[: int(size * len(whole)) if isinstance(size, float) else size])
    with pytest.raises(ModelInvalid):
        Engine(str(part))


@pytest.mark.parametrize("content", [b"\0" * 9999, b"GGUF" + b"\xff" * 9999, b"not a model\n" * 99])
def test_garbage(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "garbage.gguf"
    path.write_bytes(content)
    threads, files = num_threads(), num_files()
    with pytest.raises(ModelInvalid) as caught:
        Engine(str(path))
    assert caught.value.where == "model"
    assert (num_threads(), num_files()) == (threads, files)


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises((ModelInvalid, ModelNotFound)):
        Engine(str(tmp_path))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("contexts", 0),
        ("contexts", 257),
        ("context_size", -1),
        ("context_size", 8),
        ("batch_size", 1),
        ("physical_batch_size", 1),
        ("prefill_chunk", -1),
        ("compute_threads", -1),
        ("queue_limit", -1),
        ("compute_threads", "many"),
        ("contexts", 2**40),
        ("flash_attention", "maybe"),
        ("kv_layout", "round"),
        ("cache_type_k", "f17"),
        ("cache_type_v", "f17"),
        ("embedding_pooling", "maximum"),
        ("model_path", "\ud800"),
        ("no_such_option", 1),
    ],
)
def test_a_wrong_option_is_named(small_q8_0: Path, field: str, value: object) -> None:
    config = EngineConfig(str(small_q8_0), context_size=64, compute_threads=1)
    with pytest.raises(InvalidArgument) as caught:
        Engine(config, **{field: value}).close()
    assert caught.value.where == field


def test_a_config_and_its_overrides(small_q8_0: Path) -> None:
    config = EngineConfig(str(small_q8_0), contexts=3, context_size=64, compute_threads=1)
    with Engine(config, contexts=2) as engine:
        assert (engine.info.contexts, engine.info.context_size) == (2, 64)
        assert engine.capacity.total == 2
        assert read(engine.stream(prompt_tokens(5), GREEDY, max_tokens=2))
