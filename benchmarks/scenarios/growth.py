# SPDX-License-Identifier: AGPL-3.0-only
"""How cost grows with streams, prompt length and vocabulary: points of curves, on small models."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from benchmarks import models
from benchmarks.client import chat, chat_all
from benchmarks.measures import check_tokens, of_answers
from benchmarks.prompts import Writer, body
from benchmarks.scenario import OURS, PEER, HttpScenario, Metrics, Run, Side, compare, sizes
from benchmarks.scenarios.process import Launcher
from benchmarks.servers import Flags, Server, start_ours, start_peer
from benchmarks.shapes import ModelSpec
from benchmarks.vocabulary import words_of


class GrowthContexts(HttpScenario):
    """One to 32 streams at once."""

    name = "growth-contexts"
    title = "streams at the same time"
    contexts = 32
    context_size = 512
    quick_model = big_model = ModelSpec("quick")
    default_pairs = 2
    curve = ("streams", "tok/s")
    loads = sizes(
        quick={"streams": (1, 8, 32), "tokens": 8},
        standard={"streams": (1, 2, 4, 8, 16, 32), "tokens": 32},
    )
    figures = tuple(compare(f"{n} streams", "tok/s", str(n)) for n in (1, 2, 4, 8, 16, 32))

    def measure(self, side: Server, run: Run, number: int) -> Metrics:
        load, writer = self.load(run), self.writer(run, number)
        return {
            str(streams): _rate(side, writer, streams, load["tokens"])
            for streams in load["streams"]
        }


def _rate(server: Server, writer: Writer, streams: int, tokens: int) -> float:
    """Tokens per second of all streams with short prompts."""
    bodies = [
        body(writer.text(12), system=writer.text(8), max_tokens=tokens) for _ in range(streams)
    ]
    return of_answers(chat_all(server.port, bodies), tokens)["tok_s"]


class GrowthPrompt(HttpScenario):
    """One prompt of 128 to 16 k tokens."""

    name = "growth-prompt"
    title = "time to first token by prompt length"
    contexts = 1
    context_size = 17408
    quick_model = big_model = ModelSpec("quick")
    default_pairs = 1
    curve = ("prompt tokens", "s to first token")
    loads = sizes(
        quick={"prompts": (128, 1024)},
        standard={"prompts": (128, 512, 2048, 4096)},
        spec={"prompts": (128, 512, 2048, 4096, 8192, 16384)},
    )
    figures = tuple(
        compare(f"{n} tokens", "s", str(n)) for n in (128, 512, 1024, 2048, 4096, 8192, 16384)
    )

    def measure(self, side: Server, run: Run, number: int) -> Metrics:
        writer = self.writer(run, number)
        metrics: Metrics = {}
        for prompt in self.load(run)["prompts"]:
            request = body(writer.text(prompt - 32), system=writer.text(8), max_tokens=2)
            answer = chat(side.port, request)
            check_tokens([answer], 2)
            metrics[str(prompt)] = answer.ttft_s
        return metrics


NUM_TOKENS = {
    "vocab-32k": 32000,
    "vocab-65k": 65024,
    "vocab-128k": 128256,
    "sampling": 151936,
    "vocab-262k": 262144,
}


class GrowthVocabulary(HttpScenario):
    """The same two layers over vocabularies of different size: what choosing a token costs."""

    name = "growth-vocabulary"
    title = "8 streams by vocabulary size, 2 layers"
    context_size = 512
    quick_model = big_model = ModelSpec("sampling")
    default_pairs = 1
    curve = ("vocabulary", "tok/s")
    loads = sizes(
        quick={"shapes": ("vocab-32k", "sampling"), "tokens": 32},
        standard={
            "shapes": tuple(NUM_TOKENS),
            "tokens": 96,
        },
    )
    figures = tuple(
        compare(f"{size} tokens", "tok/s", size) for size in map(str, NUM_TOKENS.values())
    )

    def prepare(self, run: Run) -> None:
        for shape in self.load(run)["shapes"]:
            models.model(ModelSpec(shape))

    def sides(self, stack: ExitStack, run: Run) -> dict[str, Side]:
        return {OURS: Launcher(start_ours), PEER: Launcher(start_peer)}

    def measure(self, side: Any, run: Run, number: int) -> Metrics:
        return dict(self._point(side, shape, run, number) for shape in self.load(run)["shapes"])

    def _point(self, side: Launcher, shape: str, run: Run, number: int) -> tuple[str, float]:
        model = models.model(ModelSpec(shape))
        flags = Flags(model, self.contexts, self.context_size, run.threads, run.device)
        writer = Writer(words_of(shape), seed=run.seed * 1000 + number)
        with side.start(flags) as server:
            server.wait_ready().warm_up(self.contexts)
            rate = _rate(server, writer, self.contexts, self.load(run)["tokens"])
        return str(NUM_TOKENS[shape]), rate
