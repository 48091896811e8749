# SPDX-License-Identifier: AGPL-3.0-only
"""What it costs that the engine runs in a process of its own.

The two differ by less than a shared machine's noise, so measure many short pairs:
`python -m benchmarks isolation --pairs 40`.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from statistics import median

from benchmarks.client import chat_all
from benchmarks.measures import of_answers
from benchmarks.prompts import Writer, body
from benchmarks.scenario import (
    Figure,
    HttpScenario,
    Metrics,
    Run,
    Side,
    enter_servers,
    sizes,
)
from benchmarks.servers import Server, start_ours
from benchmarks.shapes import LARGE, ModelSpec

APART, WITHIN = "process", "inprocess"
"""The two sides, as the setting spells them."""

_PLAIN = ("--speculation", "off")
"""The models recite, so that every token is whole text; drafted, they would measure copying."""


class Isolation(HttpScenario):
    """The same server with its engine in another process and in its own."""

    context_size = 1024
    loads = sizes(
        quick={"probes": 2, "prompt": 8, "tokens": 16},
        standard={"probes": 4, "prompt": 8, "tokens": 48},
    )

    def __init__(self, streams: int, model: ModelSpec, goals: tuple[str, str] = ("", "")) -> None:
        kind = "tiny" if model.shape == "tiny" else "0.5b"
        self.contexts = streams  # type: ignore[misc]
        self.quick_model = self.big_model = model  # type: ignore[misc]
        self.name = f"isolation-{kind}-{streams}"  # type: ignore[misc]
        plural = "s" if streams > 1 else ""
        self.title = (  # type: ignore[misc]
            f"the engine in a process of its own or in the server's, {streams} client{plural}"
        )
        self.figures = (  # type: ignore[misc]
            Figure(
                *("tokens per second", "tok/s"),
                *(f"{APART}.tok_s", f"{WITHIN}.tok_s", goals[0]),
            ),
            Figure(
                *("time to first token, more than in one process", "ms"),
                *(f"{APART}.ttft_ms", f"{WITHIN}.ttft_ms", goals[1]),
                difference=True,
            ),
            Figure(
                *("processor time per token", "ms"),
                *(f"{APART}.cpu_ms_per_token", f"{WITHIN}.cpu_ms_per_token"),
            ),
        )

    def sides(self, stack: ExitStack, run: Run) -> dict[str, Side]:
        flags = self.flags(run)
        servers = {
            name: start_ours(replace(flags, extra=("--isolation", name, *_PLAIN)), name)
            for name in (APART, WITHIN)
        }
        return enter_servers(stack, servers, self.contexts)

    def measure(self, side: Server, run: Run, number: int) -> Metrics:
        load, writer = self.load(run), self.writer(run, number)
        first = [
            answer.ttft_s
            for _ in range(load["probes"])
            for answer in chat_all(side.port, self._bodies(writer, load["prompt"], 1))
        ]
        before = side.cpu_s()
        answers = chat_all(side.port, self._bodies(writer, load["prompt"], load["tokens"]))
        metrics = of_answers(answers, load["tokens"])
        per_token = (side.cpu_s() - before) / metrics["completion_tokens"]
        return metrics | {"ttft_ms": 1e3 * median(first), "cpu_ms_per_token": 1e3 * per_token}

    def _bodies(self, writer: Writer, prompt: int, tokens: int) -> list[dict[str, object]]:
        return [
            body(writer.text(prompt), system=writer.text(8), max_tokens=tokens)
            for _ in range(self.contexts)
        ]


_GOALS = (">= 0.99", "<= 0.2")
ISOLATION = [
    *(Isolation(streams, ModelSpec("tiny", wiring="recite")) for streams in (1, 8, 16)),
    *(Isolation(streams, ModelSpec(LARGE, wiring="recite"), _GOALS) for streams in (1, 8, 16)),
]
