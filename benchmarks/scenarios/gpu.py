# SPDX-License-Identifier: AGPL-3.0-only
"""1, 8 and 32 streams on a GPU, against llama-server built with CUDA from the same tree."""

from __future__ import annotations

from benchmarks.client import chat_all
from benchmarks.measures import of_answers
from benchmarks.prompts import body
from benchmarks.scenario import HttpScenario, Metrics, Run, compare, sizes
from benchmarks.servers import Server
from benchmarks.shapes import ModelSpec

_LOADS = sizes(
    quick={"streams": (1, 32), "prompt": 64, "tokens": 64},
    standard={"streams": (1, 8, 32), "prompt": 128, "tokens": 256},
)


class Gpu1b(HttpScenario):
    """The shape of Llama-3.2-1B."""

    name = "gpu-1b"
    title = "GPU, 1B shape, streams at the same time"
    contexts = 32
    context_size = 2048
    quick_model = big_model = ModelSpec("llama-3.2-1b")
    loads = _LOADS
    devices = ("cuda",)
    curve = ("streams", "tok/s")
    figures = (
        compare("1 stream", "tok/s", "1", ">= 1.0"),
        compare("8 streams", "tok/s", "8"),
        compare("32 streams", "tok/s", "32", ">= 2.0"),
    )

    def measure(self, side: Server, run: Run, number: int) -> Metrics:
        load, writer = self.load(run), self.writer(run, number)
        metrics: Metrics = {}
        for streams in load["streams"]:
            bodies = [
                body(writer.text(load["prompt"]), system=writer.text(8), max_tokens=load["tokens"])
                for _ in range(streams)
            ]
            answers = of_answers(chat_all(side.port, bodies), load["tokens"])
            metrics |= {str(streams): answers["tok_s"]}
            metrics |= {f"{streams}_ttft_p50_s": answers["ttft_p50_s"]}
        return metrics


class Gpu8b(Gpu1b):
    """The shape of Llama-3.1-8B."""

    name = "gpu-8b"
    title = "GPU, 8B shape, streams at the same time"
    quick_model = big_model = ModelSpec("llama-3.1-8b")
    figures = (
        compare("1 stream", "tok/s", "1"),
        compare("8 streams", "tok/s", "8"),
        compare("32 streams", "tok/s", "32"),
    )
