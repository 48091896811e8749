# SPDX-License-Identifier: AGPL-3.0-only
"""Speculation: where it can win, and what it costs where it cannot.

The model has the published shape; its output head is wired so that greedy text recites a fixed list
of words. The prompt holds the same list, so that the answer copies from it, as quotes from
documents and edits of code do. The whole network still works for every token.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from benchmarks import models
from benchmarks.client import chat
from benchmarks.measures import of_answers
from benchmarks.prompts import GREEDY, body
from benchmarks.scenario import (
    OURS,
    PEER,
    Figure,
    HttpScenario,
    Metrics,
    Run,
    Side,
    WrongCount,
    compare,
    enter_servers,
    sizes,
)
from benchmarks.servers import Flags, Server, start_ours, start_peer
from benchmarks.shapes import LARGE, ModelSpec
from benchmarks.vocabulary import RECITED, words_of

WITHOUT = "ours without speculation"
ON = ("--speculation", "ngram")  # on every machine
DRAFT = ("--speculation", "draft")  # as well
OFF = ("--speculation", "off")


def with_and_without(
    speculation: tuple[str, ...], stack: ExitStack, flags: Flags
) -> dict[str, Side]:
    """Our server with these flags, and with no speculation."""
    servers = {
        OURS: start_ours(replace(flags, extra=speculation)),
        WITHOUT: start_ours(replace(flags, extra=OFF), WITHOUT),
    }
    return enter_servers(stack, servers, flags.contexts)


def against_none(goal: str) -> Figure:
    """The rate of the one as a multiple of the other's."""
    rates = (f"{OURS}.decode_tok_s", f"{WITHOUT}.decode_tok_s")
    return Figure("tokens per second", "tok/s", *rates, goal)


class Copy(HttpScenario):
    """The answer stands in the prompt."""

    name = "copy"
    title = "greedy answer that copies from the prompt, 1 client"
    contexts = 2
    big_model = ModelSpec(LARGE, wiring="recite")
    quick_model = ModelSpec("quick", wiring="recite")
    loads = sizes(
        quick={"tokens": 48},
        standard={"tokens": 96},
        spec={"tokens": 192},
    )
    figures = (compare("tokens per second", "tok/s", "decode_tok_s", ">= 1.5"),)

    def sides(self, stack: ExitStack, run: Run) -> dict[str, Side]:
        flags = self.flags(run)
        servers = {OURS: start_ours(replace(flags, extra=ON)), PEER: start_peer(flags)}
        return enter_servers(stack, servers, self.contexts)

    def measure(self, side: Server, run: Run, number: int) -> Metrics:
        tokens, writer = self.load(run)["tokens"], self.writer(run, number)
        words = words_of(self.spec(run).shape)[:RECITED]
        document = " " + " ".join(words[: tokens + 32])
        request = body(document, system=writer.text(8), max_tokens=tokens, **GREEDY)
        answer = chat(side.port, request)
        if answer.text.strip() not in document:
            raise WrongCount(f"the answer is no copy of the prompt: {answer.text[:60]!r}")
        return of_answers([answer], tokens) | {"decode_tok_s": answer.decode_tok_s}


class Draft(HttpScenario):
    """A draft model that knows the same list by heart: how much the best one can bring."""

    name = "draft"
    title = "greedy answer that a small draft model foresees, 1 client"
    contexts = 2
    big_model = ModelSpec(LARGE, wiring="recite")
    quick_model = ModelSpec("quick", wiring="recite")
    draft_model = ModelSpec("sampling", wiring="recite")
    loads = sizes(
        quick={"prompt": 50, "tokens": 48},
        standard={"prompt": 100, "tokens": 96},
        spec={"prompt": 100, "tokens": 192},
    )
    figures = (against_none(">= 1.2"),)

    def prepare(self, run: Run) -> None:
        super().prepare(run)
        models.model(self.draft_model)

    def sides(self, stack: ExitStack, run: Run) -> dict[str, Side]:
        draft = ("--draft-model", str(models.model(self.draft_model)))
        return with_and_without((*draft, *DRAFT), stack, self.flags(run))

    def measure(self, side: Any, run: Run, number: int) -> Metrics:
        load, writer = self.load(run), self.writer(run, number)
        prompt, system = writer.text(load["prompt"]), writer.text(8)
        request = body(prompt, system=system, max_tokens=load["tokens"], **GREEDY)
        answer = chat(side.port, request)
        known = " ".join(words_of(self.spec(run).shape)[:RECITED])
        if answer.text.strip() not in known:
            raise WrongCount(f"the answer is not the known list: {answer.text[:60]!r}")
        return of_answers([answer], load["tokens"]) | {"decode_tok_s": answer.decode_tok_s}


class Neutral(HttpScenario):
    """Nothing to copy: random text at the default temperature."""

    name = "neutral"
    title = "text without repetition, speculation on and off, 1 client"
    contexts = 2
    loads = sizes(
        quick={"prompt": 50, "tokens": 32},
        standard={"prompt": 100, "tokens": 64},
        spec={"prompt": 100, "tokens": 128},
    )
    figures = (against_none(">= 0.97"),)

    def sides(self, stack: ExitStack, run: Run) -> dict[str, Side]:
        return with_and_without(ON, stack, self.flags(run))

    def measure(self, side: Any, run: Run, number: int) -> Metrics:
        load, writer = self.load(run), self.writer(run, number)
        request = body(
            writer.text(load["prompt"]), system=writer.text(8), max_tokens=load["tokens"]
        )
        answer = chat(side.port, request)
        return of_answers([answer], load["tokens"]) | {"decode_tok_s": answer.decode_tok_s}
