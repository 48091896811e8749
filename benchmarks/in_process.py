# SPDX-License-Identifier: AGPL-3.0-only
"""Our engine as a library, measured inside this process."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.scenario import Idle, WrongCount
from sentiric_llama import AsyncEngine, EngineConfig, Grammar, Request, SamplingParams

STREAM_INTERVAL_MS = 20
"""As the server sets it."""
GREEDY = SamplingParams(temperature=0, repeat_penalty=1.0)
DEFAULT = SamplingParams(repeat_penalty=1.0)


class OwnEngine(Idle):
    """One engine on one event loop, open from entering to leaving the `with` block."""

    def __init__(
        self, model: Path, streams: int, context_size: int, threads: int, device: str
    ) -> None:
        self._config = EngineConfig(
            str(model),
            contexts=streams,
            context_size=context_size,
            compute_threads=threads,
            gpu_layers=0 if device == "cpu" else -1,
            stream_interval_ms=STREAM_INTERVAL_MS,
            speculation="off",  # greedy text of random weights repeats itself; llama-bench cannot
        )
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        self.engine = self._runner.run(AsyncEngine.open(self._config))
        self.single(4)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._runner.run(self.engine.close())
        self._runner.close()

    def single(self, tokens: int) -> float:
        """Tokens per second after a one-token prompt, greedy: the steps of `llama-bench -n`."""
        stamps = self._runner.run(self._stamps([1000], GREEDY, tokens + 1))
        return tokens / (stamps[-1] - stamps[0])

    def batched(self, streams: int, prompt: int, tokens: int, *, seed: int) -> float:
        """Tokens per second of all streams, from the last first token to the first last one."""
        return self._runner.run(self._batched(streams, prompt, tokens, random.Random(seed)))

    async def _batched(self, streams: int, prompt: int, tokens: int, draw: random.Random) -> float:
        prompts = [self._prompt(prompt, draw) for _ in range(streams)]
        runs = [self._stamps(each, DEFAULT, tokens) for each in prompts]
        stamps = await asyncio.gather(*runs)
        begin, end = max(each[0] for each in stamps), min(each[-1] for each in stamps)
        between = sum(begin < at <= end for each in stamps for at in each)
        return between / (end - begin)

    def gaps(
        self, grammars: Sequence[Grammar | None], prompt: int, tokens: int, *, seed: int
    ) -> list[list[float]]:
        """Seconds between tokens of each stream, while all of them run."""
        return self._runner.run(self._gaps(grammars, prompt, tokens, random.Random(seed)))

    async def _gaps(
        self, grammars: Sequence[Grammar | None], prompt: int, tokens: int, draw: random.Random
    ) -> list[list[float]]:
        prompts = [self._prompt(prompt, draw) for _ in grammars]
        runs = [
            self._stamps(each, replace(DEFAULT, seed=number), tokens, grammar)
            for number, (each, grammar) in enumerate(zip(prompts, grammars, strict=True))
        ]
        stamps = await asyncio.gather(*runs)
        begin, end = max(each[0] for each in stamps), min(each[-1] for each in stamps)
        within = [[at for at in each if begin <= at <= end] for each in stamps]
        return [[y - x for x, y in pairwise(each)] for each in within]

    def _prompt(self, size: int, draw: random.Random) -> list[int]:
        return draw.choices(range(1000, min(self.engine.info.num_vocab, 30000)), k=size)

    async def _stamps(
        self,
        prompt: list[int],
        sampling: SamplingParams,
        tokens: int,
        grammar: Grammar | None = None,
    ) -> list[float]:
        """When each token arrived."""
        request = Request(
            tokens=prompt,
            sampling=sampling,
            max_tokens=tokens,
            ignore_eos=True,
            grammar=grammar,
        )
        stamps: list[float] = []
        async for delta in self.engine.submit(request):
            stamps += [time.monotonic()] * len(delta.tokens)
        if len(stamps) != tokens:
            raise WrongCount(f"tokens; got {len(stamps)}, wanted {tokens}")
        return stamps
