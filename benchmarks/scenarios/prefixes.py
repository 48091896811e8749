# SPDX-License-Identifier: AGPL-3.0-only
"""Prompts: many at once, shared, long beside running streams, and returning conversations."""

from __future__ import annotations

import time
from itertools import pairwise
from statistics import median

from benchmarks.client import Answer, Call, chat, chat_all
from benchmarks.measures import check_tokens, of_answers, percentile
from benchmarks.prompts import Writer, body, turn_body
from benchmarks.scenario import Figure, HttpScenario, Metrics, Run, compare, sizes
from benchmarks.servers import Server
from benchmarks.shapes import LARGE, ModelSpec

TEMPLATE_TAIL = 5
"""Tokens behind a question: its end, and the head of the answer."""


class Distinct(HttpScenario):
    """Eight clients, nothing in common."""

    name = "distinct8"
    title = "8 clients at once, prompts with nothing in common"
    loads = sizes(
        quick={"prompt": 60, "tokens": 16},
        standard={"prompt": 80, "tokens": 24},
        spec={"prompt": 200, "tokens": 64},
    )
    figures = (
        compare("tokens per second", "tok/s", "tok_s", ">= 1.05"),
        compare("time to first token, median", "s", "ttft_p50_s"),
        compare("longest gap", "s", "gap_max_s"),
    )

    def measure(self, side: Server, run: Run, number: int) -> Metrics:
        load, writer = self.load(run), self.writer(run, number)
        bodies = [
            body(writer.text(load["prompt"]), system=writer.text(8), max_tokens=load["tokens"])
            for _ in range(self.contexts)
        ]
        return of_answers(chat_all(side.port, bodies), load["tokens"])


class Shared(HttpScenario):
    """Eight clients, one long system prompt."""

    name = "shared8"
    title = "8 clients at once, the same long system prompt"
    loads = sizes(
        quick={"prefix": 400, "suffix": 16, "tokens": 8},
        standard={"prefix": 500, "suffix": 24, "tokens": 16},
        spec={"prefix": 1200, "suffix": 32, "tokens": 32},
    )
    figures = (
        compare("wall time", "s", "wall_s", "<= 0.2"),
        compare("time to first token, median", "s", "ttft_p50_s", "<= 0.1667"),
        compare("longest gap", "s", "gap_max_s"),
        compare("prompt tokens evaluated", "tokens", "prefill_tokens"),
        Figure(
            *("of one prefix, 8 suffixes and 64", "tokens"),
            *("ours.prefill_tokens", "ours.needed_tokens", "<= 1.0"),
        ),
    )

    def measure(self, side: Server, run: Run, number: int) -> Metrics:
        load, writer = self.load(run), self.writer(run, number)
        prefix = writer.text(load["prefix"])
        bodies = [
            body(writer.text(load["suffix"]), system=prefix, max_tokens=load["tokens"])
            for _ in range(self.contexts)
        ]
        metrics = of_answers(chat_all(side.port, bodies), load["tokens"])
        whole = metrics["prompt_tokens"] / self.contexts
        needed = whole + (self.contexts - 1) * (load["suffix"] + TEMPLATE_TAIL) + 64
        return metrics | {"needed_tokens": needed}


class Interfere(HttpScenario):
    """A long prompt arrives while two streams run.

    They recite whole words. Random text has tokens that are half a character, which no server sends
    before the other half is there: that is no wait.
    """

    name = "interfere"
    title = "2 running streams, then a long prompt arrives"
    big_model = ModelSpec(LARGE, wiring="recite")
    quick_model = ModelSpec("quick", wiring="recite")
    loads = sizes(
        quick={"prompt": 800, "tokens": 4},
        standard={"prompt": 1200, "tokens": 8},
        spec={"prompt": 2500, "tokens": 16},
    )
    figures = (
        compare("longest gap of the running streams", "s", "gap_max_s", "<= 0.05"),
        Figure("the same, 1.5 times ITL_SLO_MS", "s", "ours.gap_max_s", goal="<= 0.3"),
        compare("p99 gap of the running streams", "s", "gap_p99_s"),
        compare("the long prompt's time to first token", "s", "ttft_s", "<= 1.25"),
    )

    def measure(self, side: Server, run: Run, number: int) -> Metrics:
        load, writer = self.load(run), self.writer(run, number)
        streams = [
            Call(side.port, body(writer.text(32), system=writer.text(8), max_tokens=3000))
            for _ in range(2)
        ]
        try:
            for stream in streams:
                stream.wait_first()
            time.sleep(0.5)
            request = body(
                writer.text(load["prompt"]), system=writer.text(8), max_tokens=load["tokens"]
            )
            answer = chat(side.port, request)
            gaps = [gap for stream in streams for gap in gaps_during(stream, answer)]
        finally:
            for stream in streams:
                stream.stop()
        time.sleep(0.3)  # both servers notice that the clients left
        check_tokens([answer], load["tokens"])
        return {
            "ttft_s": answer.ttft_s,
            "gap_max_s": max(gaps),
            "gap_p99_s": percentile(gaps, 0.99),
            "running_tokens": len(gaps),
            "prompt_tokens": answer.prompt_tokens,
        }


def gaps_during(stream: Call, answer: Answer) -> list[float]:
    """Waits of a running stream that overlap the long request, a last unfinished one included."""
    stamps = stream.stamps()
    edges = [*stamps, max(answer.ended_at, stamps[-1])]
    waits = pairwise(edges)
    return [b - a for a, b in waits if b > answer.sent_at and a < answer.ended_at]


class Turns(HttpScenario):
    """Conversations that come back."""

    name = "turns8"
    title = "8 conversations, interleaved, 8 contexts"
    conversations = 8
    loads = sizes(
        quick={"turns": 2, "user": 24, "tokens": 4},
        standard={"turns": 3, "user": 32, "tokens": 6},
        spec={"turns": 4, "user": 60, "tokens": 16},
    )
    figures = (
        compare("time to first token of returning turns, median", "s", "ttft_p50_s", "<= 0.9"),
        compare("time to first token of returning turns, p95", "s", "ttft_p95_s"),
        compare("time of all", "s", "wall_s"),
        compare("prompt tokens evaluated", "tokens", "prefill_tokens"),
    )

    def measure(self, side: Server, run: Run, number: int) -> Metrics:
        load, writer = self.load(run), self.writer(run, number)
        talks = [Talk(writer) for _ in range(self.conversations)]
        answers = [
            [talk.ask(side.port, load["user"], load["tokens"]) for talk in talks]
            for _ in range(load["turns"])
        ]
        everything = [answer for turn in answers for answer in turn]
        check_tokens(everything, load["tokens"])
        returning = [answer.ttft_s for turn in answers[1:] for answer in turn]
        metrics = of_answers(everything)
        # Texts differ between the servers from the first answer on, and so do later prompts.
        del metrics["prompt_tokens"]
        return metrics | {
            "ttft_p50_s": median(returning),
            "ttft_p95_s": percentile(returning, 0.95),
            "prompt_tokens_first": sum(answer.prompt_tokens for answer in answers[0]),
        }


class TurnsCrowded(Turns):
    """More conversations than contexts."""

    name = "turns16"
    title = "16 conversations, interleaved, 8 contexts"
    conversations = 16
    loads = sizes(
        quick={"turns": 2, "user": 16, "tokens": 2},
        standard={"turns": 2, "user": 24, "tokens": 4},
        spec={"turns": 4, "user": 60, "tokens": 16},
    )


class Talk:
    """One conversation and what was said so far."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._system = writer.text(16)
        self._turns: list[tuple[str, str]] = []

    def ask(self, port: int, tokens: int, max_tokens: int) -> Answer:
        self._turns.append(("user", self._writer.text(tokens)))
        answer = chat(port, turn_body(self._system, self._turns, max_tokens=max_tokens))
        self._turns.append(("assistant", answer.text))
        return answer
