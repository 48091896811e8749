# SPDX-License-Identifier: AGPL-3.0-only
"""What tests of the native engine share: sampling, prompts, waiting, fresh interpreters."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from sentiric_llama.engine.blocking import Engine, Stream
from sentiric_llama.types import EngineStats, SamplingParams

T = TypeVar("T")

GREEDY = SamplingParams(temperature=0.0, repeat_penalty=1.0)
PATIENCE_S = 60.0  # how long anything may take before a test gives up; never what it measures


def seeded(seed: int) -> SamplingParams:
    """Draws from the whole distribution."""
    return SamplingParams(
        temperature=1.0, top_k=0, top_p=1.0, min_p=0.0, repeat_penalty=1.0, seed=seed
    )


def prompt_tokens(length: int, seed: int = 1) -> list[int]:
    """BOS and random ordinary tokens of the llama-spm vocabulary."""
    rng = random.Random(1000 * seed + length)
    return [1, *(rng.randrange(300, 32000) for _ in range(length - 1))]


def read(stream: Stream) -> list[int]:
    """All tokens of a stream."""
    return [token for delta in stream for token in delta.tokens]


def side_by_side(*tasks: Callable[[], T]) -> list[T]:
    """The results of tasks that run on a thread each."""
    with ThreadPoolExecutor(len(tasks)) as threads:
        return list(threads.map(lambda task: task(), tasks))


def wait_until(condition: Callable[[], bool]) -> None:
    """Returns when the condition holds; fails when it does not for far too long."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.002)


def wait_until_idle(engine: Engine) -> EngineStats:
    """Returns when no request runs, waits or is prepared."""

    def is_idle() -> bool:
        stats = engine.stats()
        busy = stats.queued + stats.preparing + stats.prefilling + stats.decoding
        return busy == 0 and engine.capacity.active == 0

    wait_until(is_idle)
    return engine.stats()


def run_python(
    code: str, *arguments: str | Path, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter that finds the same packages."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, check=check, timeout=PATIENCE_S, env=environment()
    )


def environment() -> dict[str, str]:
    """For interpreters that tests start: no buffering, and the modules of tests/."""
    paths = [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    return {
        **os.environ,
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
    }


def first_words(model: str, prompt: str) -> str:
    """Opens an engine and continues a text: for processes that start with nothing."""
    with Engine(model, contexts=1, context_size=128, compute_threads=1) as engine:
        return engine.generate(prompt, GREEDY, max_tokens=4).text


def difference(a: Sequence[int], b: Sequence[int]) -> int | None:
    """Where two token lists part; None when they are equal."""
    for i, (x, y) in enumerate(zip(a, b, strict=False)):
        if x != y:
            return i
    return None if len(a) == len(b) else min(len(a), len(b))
