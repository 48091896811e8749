# SPDX-License-Identifier: AGPL-3.0-only
"""Draft-free speculation: where it can win, and what it costs where it cannot.

The model has the published shape; its output head is wired so that greedy text recites a fixed list
of words. The prompt holds the same list, so that the answer copies from it, as quotes from
documents and edits of code do. The whole network still works for every token.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from benchmarks.client import chat
from benchmarks.measures import of_answers
from benchmarks.prompts import GREEDY, body
from benchmarks.scenario import (
    OURS,
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
from benchmarks.servers import Server, start_ours
from benchmarks.shapes import LARGE, ModelSpec
from benchmarks.vocabulary import RECITED, words_of
from sentiric_llama.config import FieldHelp, describe_fields

WITHOUT = "ours without speculation"


def speculation_off() -> tuple[str, ...] | None:
    """Flags of our server that switch speculation off; None when this build has none."""
    fields = [field for field in describe_fields() if "speculat" in field.name]
    return _flag_off(fields[0]) if fields else None


def _flag_off(field: FieldHelp) -> tuple[str, ...]:
    if field.is_bool:
        return ("--no-" + field.flag.removeprefix("--"),)
    words = [word for word in ("off", "none") if word in field.allowed.split(" | ")]
    return (field.flag, words[0] if words else "0")


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

    def measure(self, side: Server, run: Run, number: int) -> Metrics:
        tokens, writer = self.load(run)["tokens"], self.writer(run, number)
        words = words_of(self.spec(run).shape)[:RECITED]
        document = " " + " ".join(words[: tokens + 32])
        request = body(document, system=writer.text(8), max_tokens=tokens, **GREEDY)
        answer = chat(side.port, request)
        if answer.text.strip() not in document:
            raise WrongCount(f"the answer is no copy of the prompt: {answer.text[:60]!r}")
        return of_answers([answer], tokens) | {"decode_tok_s": answer.decode_tok_s}


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
    figures = (
        Figure(
            *("tokens per second", "tok/s", f"{OURS}.decode_tok_s", f"{WITHOUT}.decode_tok_s"),
            ">= 0.97",
        ),
    )

    def sides(self, stack: ExitStack, run: Run) -> dict[str, Side]:
        flags, off = self.flags(run), speculation_off()
        servers = {OURS: start_ours(flags)}
        if off is not None:
            servers[WITHOUT] = start_ours(replace(flags, extra=off), WITHOUT)
        return enter_servers(stack, servers, self.contexts)

    def measure(self, side: Any, run: Run, number: int) -> Metrics:
        load, writer = self.load(run), self.writer(run, number)
        request = body(
            writer.text(load["prompt"]), system=writer.text(8), max_tokens=load["tokens"]
        )
        answer = chat(side.port, request)
        return of_answers([answer], load["tokens"]) | {"decode_tok_s": answer.decode_tok_s}
