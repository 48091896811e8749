# SPDX-License-Identifier: AGPL-3.0-only
"""The library as a Python programmer meets it: names, types, and errors that say what to write."""

from __future__ import annotations

import asyncio
import dataclasses
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import sentiric_llama
from engine_tools import GREEDY
from sentiric_llama import AsyncEngine, Engine, EngineConfig, InvalidArgument
from sentiric_llama.engine.config import EngineOptions, make_config
from sentiric_llama.errors import ERROR_CLASSES, DeadlineExceeded

HELLO = [{"role": "user", "content": "Hello"}]


@pytest.mark.parametrize(
    ("options", "where", "says"),
    [
        ({"contexts": "four"}, "contexts", "must be an integer; got str"),
        ({"contexts": 2.5}, "contexts", "must be an integer; got float 2.5"),
        ({"use_mmap": "no"}, "use_mmap", "must be True or False; got str"),
        ({"kv_layout": 3}, "kv_layout", "must be a string; got int"),
        ({"contexts": 2**70}, "contexts", "the number is too large"),
        ({"n_ctx": 5}, "n_ctx", "did you mean context_size?"),
        ({"n_gpu_layers": 5}, "n_gpu_layers", "did you mean gpu_layers?"),
        ({"context_sise": 5}, "context_sise", "did you mean context_size?"),
        ({"zzz": 5}, "zzz", "allowed: "),
    ],
)
def test_wrong_arguments_of_an_engine(
    guide_path: Path, options: dict[str, Any], where: str, says: str
) -> None:
    with pytest.raises(InvalidArgument) as caught:
        Engine(str(guide_path), **options)
    assert caught.value.where == where and says in caught.value.what


@pytest.mark.parametrize(
    ("options", "where", "says"),
    [
        ({"temperature": 0.5}, "temperature", "SamplingParams(temperature=...)"),
        ({"temprature": 0.5}, "temprature", "SamplingParams(temperature=...)"),
        ({"max_token": 5}, "max_token", "did you mean max_tokens?"),
        ({"max_new_tokens": 5}, "max_new_tokens", "did you mean max_tokens?"),
        ({"max_tokens": "x"}, "max_tokens", "must be an integer; got str"),
        ({"ignore_eos": "x"}, "ignore_eos", "must be True or False"),
    ],
)
def test_wrong_arguments_of_a_call(
    guide_path: Path, options: dict[str, Any], where: str, says: str
) -> None:
    with Engine(str(guide_path), contexts=1) as engine:
        for method in (engine.chat, engine.stream_chat):
            with pytest.raises(InvalidArgument) as caught:
                method(HELLO, **options)
            assert caught.value.where == where and says in caught.value.what


def test_type_checkers_know_the_options_of_an_engine() -> None:
    fields = {f.name: f.type for f in dataclasses.fields(EngineConfig) if f.name != "model_path"}
    assert EngineOptions.__annotations__.keys() == fields.keys()
    named = {name: kind.__forward_arg__ for name, kind in EngineOptions.__annotations__.items()}
    assert named == fields


def test_the_package_shows_what_it_has() -> None:
    names = dir(sentiric_llama)
    assert {"Engine", "AsyncEngine", "Stream", "SamplingParams", "build_info"} <= set(names)
    assert {kind.__name__ for kind in ERROR_CLASSES.values()} <= set(names)
    assert all(getattr(sentiric_llama, name) is not None for name in names)
    stub = Path(sentiric_llama.__file__).with_suffix(".pyi").read_text()
    assert not [name for name in names if f" as {name}\n" not in stub and name[0] != "_"]


def test_both_faces_have_the_same_methods() -> None:
    def methods(kind: type[Any]) -> set[str]:
        return {
            name for name in dir(kind) if not name.startswith("_") and callable(getattr(kind, name))
        }

    assert methods(Engine) <= methods(AsyncEngine)


def test_a_context_is_no_longer_than_the_training(guide_path: Path) -> None:
    assert make_config(str(guide_path), {}).context_size == 1024
    assert make_config(str(guide_path), {"context_size": 2048}).context_size == 2048
    with Engine.from_pretrained("guide", contexts=1) as engine:
        assert engine.info.context_size == engine.info.context_train == 1024

    async def main() -> None:
        async with await AsyncEngine.from_pretrained("guide", contexts=2) as engine:
            assert engine.info.context_size == 1024
            assert (await engine.render_chat(HELLO)).count("Hello") == 1
            both = await engine.generate(["a", "b"], GREEDY, max_tokens=3, ignore_eos=True)
            assert [len(completion.tokens) for completion in both] == [3, 3]
            assert await engine.adapters() == []

    asyncio.run(main())


def test_a_deadline_gives_the_text_so_far(small_q8_0: Path) -> None:
    options: Any = {"max_tokens": 100_000, "ignore_eos": True, "deadline_ms": 400}
    with (
        Engine(str(small_q8_0), contexts=1, context_size=128, compute_threads=1) as engine,
        pytest.raises(DeadlineExceeded) as caught,
    ):
        engine.generate("a", GREEDY, **options)
    assert caught.value.partial


def test_two_readers_of_one_stream_both_find_its_end(small_q8_0: Path) -> None:
    with Engine(str(small_q8_0), contexts=1, context_size=128, compute_threads=1) as engine:
        stream = engine.stream("a", GREEDY, max_tokens=40, ignore_eos=True)
        counts: list[int] = []

        def read() -> None:
            counts.append(sum(len(delta.tokens) for delta in stream))

        threads = [threading.Thread(target=read, daemon=True) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        assert sum(counts) == 40 and len(counts) == 3


def test_closing_a_stream_releases_every_reader(small_q8_0: Path) -> None:
    with Engine(str(small_q8_0), contexts=1, context_size=128, compute_threads=1) as engine:
        other = engine.stream("a", GREEDY, max_tokens=100_000, ignore_eos=True)
        waiting = engine.stream("b", GREEDY, max_tokens=5)  # there is one context
        ended: list[str] = []
        reading = threading.Barrier(3)

        def read() -> None:
            reading.wait()
            try:
                list(waiting)
                ended.append("end")
            except Exception as error:
                ended.append(type(error).__name__)

        threads = [threading.Thread(target=read, daemon=True) for _ in range(2)]
        for thread in threads:
            thread.start()
        reading.wait()
        time.sleep(0.3)  # until they wait for a token that does not come
        waiting.close()
        for thread in threads:
            thread.join(timeout=60)
        other.close()
    assert ended == ["Cancelled", "Cancelled"]


READER = """
import sys, threading
from sentiric_llama import Engine, SamplingParams
engine = Engine(sys.argv[1], contexts=1, context_size=128, compute_threads=1)
stream = engine.stream("a", SamplingParams(temperature=0), max_tokens=100_000, ignore_eos=True)
next(stream)
reading = threading.Event()
def read():
    for _ in stream:
        reading.set()
threading.Thread(target=read, daemon=True).start()
reading.wait()
"""


def test_a_daemon_thread_that_reads_at_the_end_prints_nothing(small_q8_0: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", READER, str(small_q8_0)], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_lists_of_bound_values_are_tuples() -> None:
    """What would be appended to a list of theirs would be lost."""
    from sentiric_llama import _core

    request, config = _core.Request(), _core.EngineConfig()
    request.stop = ["a", "b"]
    request.tokens = [1, 2]
    request.adapters = [("x", 1.0)]
    config.tenant_weights = [("t", 2.0)]
    values = [request.stop, request.tokens, request.adapters, config.tenant_weights]
    values += [request.messages, request.sampling.logit_bias]
    values += [request.sampling.dry_sequence_breakers]
    assert all(isinstance(value, tuple) for value in values)
    assert request.stop == ("a", "b") and request.tokens == (1, 2)
