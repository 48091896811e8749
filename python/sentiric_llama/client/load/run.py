# SPDX-License-Identifier: AGPL-3.0-only
"""Sends a plan's requests on threads and collects what came back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from sentiric_llama.client.chat_client import GenerationOptions
from sentiric_llama.client.load.plan import LoadPlan, arrivals, prompts
from sentiric_llama.client.load.sample import Sample, take
from sentiric_llama.client.load.target import Target

MAX_OPEN = 256
"""Connections at the same time; a rate that needs more is refused by waiting here."""


def run_load(
    target: Target, plan: LoadPlan, nonce: str, on_sample: Callable[[int], None] = lambda _: None
) -> tuple[list[Sample], float]:
    """All samples without the warm-up, and the seconds they took together.

    `on_sample` hears how many are done, on any thread. Ctrl-C ends it after what is in flight.
    """
    texts = list(prompts(plan, target.count, nonce))
    client = target.client
    options = GenerationOptions(
        max_tokens=plan.output_tokens, temperature=0, seed=plan.seed, ignore_eos=True
    )
    for text in texts[: plan.warm_up]:
        take(client, text, options, time.perf_counter())
    done = _Counter(on_sample)
    started = time.perf_counter()

    def one(at: float, text: str) -> Sample:
        time.sleep(max(0.0, started + at - time.perf_counter()))
        sample = take(client, text, options, started)
        done.count()
        return sample

    width = MAX_OPEN if plan.rate else plan.concurrent
    pool = ThreadPoolExecutor(min(width, plan.requests))
    try:
        samples = list(pool.map(one, arrivals(plan), texts[plan.warm_up :]))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return samples, time.perf_counter() - started


class _Counter:
    def __init__(self, hear: Callable[[int], None]) -> None:
        self._hear = hear
        self._lock = threading.Lock()
        self._count = 0

    def count(self) -> None:
        with self._lock:
            self._count += 1
            self._hear(self._count)
