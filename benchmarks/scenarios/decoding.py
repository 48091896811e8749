# SPDX-License-Identifier: AGPL-3.0-only
"""Decoding: one stream, many streams of a model that costs little, structured output."""

from __future__ import annotations

import json
import random
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from benchmarks.client import Answer, chat, chat_all
from benchmarks.in_process import OwnEngine
from benchmarks.llama_tools import LlamaTools
from benchmarks.measures import of_answers
from benchmarks.prompts import body
from benchmarks.scenario import (
    Figure,
    HttpScenario,
    Metrics,
    Run,
    Scenario,
    Side,
    WrongCount,
    choose_model,
    compare,
    sizes,
)
from benchmarks.servers import Flags, Server
from benchmarks.shapes import LARGE, ModelSpec


class Single(HttpScenario):
    """One client."""

    name = "single"
    title = "1 client over HTTP"
    loads = sizes(
        quick={"prompt": 50, "tokens": 32},
        standard={"prompt": 100, "tokens": 64},
        spec={"prompt": 100, "tokens": 128},
    )
    figures = (
        compare("tokens per second", "tok/s", "decode_tok_s", ">= 1.0"),
        compare("time to first token", "s", "ttft_p50_s"),
    )

    def measure(self, side: Server, run: Run, number: int) -> Metrics:
        load, writer = self.load(run), self.writer(run, number)
        request = body(
            writer.text(load["prompt"]), system=writer.text(8), max_tokens=load["tokens"]
        )
        answer = chat(side.port, request)
        return of_answers([answer], load["tokens"]) | {"decode_tok_s": answer.decode_tok_s}


class InProcess(Scenario):
    """Our engine as a library, against a tool of llama.cpp that only decodes."""

    peer = ""
    small = ModelSpec("quick")
    big = ModelSpec(LARGE)
    streams = 1

    def spec(self, run: Run) -> ModelSpec:
        return choose_model(run, self.small, self.big)

    def sides(self, stack: ExitStack, run: Run) -> dict[str, Side]:
        model = self.model(run)
        own = OwnEngine(model, self.streams, self.context_size(run), run.threads, run.device)
        tools = LlamaTools(model, run.threads, run.device)
        return {"ours": stack.enter_context(own), self.peer: tools}

    def context_size(self, run: Run) -> int:
        load = self.load(run)
        return int(load["prompt"] + load["tokens"] + 64)


class SingleInProcess(InProcess):
    """One stream without HTTP."""

    name = "single-in-process"
    title = "1 stream in process, greedy"
    peer = "llama-bench"
    loads = sizes(
        quick={"prompt": 1, "tokens": 48},
        standard={"prompt": 1, "tokens": 64},
        spec={"prompt": 1, "tokens": 128},
    )
    figures = (
        Figure(
            *("decode rate", "tok/s", "ours.decode_tok_s", "llama-bench.decode_tok_s", ">= 0.97")
        ),
    )

    def measure(self, side: Any, run: Run, number: int) -> Metrics:
        tokens = self.load(run)["tokens"]
        rate = side.single(tokens) if isinstance(side, OwnEngine) else side.bench(tokens)
        return {"decode_tok_s": rate}


class SamplingInProcess(InProcess):
    """Sixteen streams of a model so small that choosing tokens is most of the work."""

    name = "sampling16-in-process"
    title = "16 streams in process, sampling-bound model"
    peer = "llama-batched-bench"
    small = big = ModelSpec("sampling")
    streams = 16
    loads = sizes(
        quick={"prompt": 32, "tokens": 96},
        standard={"prompt": 64, "tokens": 256},
    )
    figures = (
        Figure(
            "decode rate",
            "tok/s",
            "ours.decode_tok_s",
            "llama-batched-bench.decode_tok_s",
            ">= 0.85",
        ),
    )

    def measure(self, side: Any, run: Run, number: int) -> Metrics:
        load = self.load(run)
        sizes = self.streams, load["prompt"], load["tokens"]
        if isinstance(side, OwnEngine):
            return {"decode_tok_s": side.batched(*sizes, seed=number)}
        return {"decode_tok_s": side.batched(*sizes)}


class SamplingHttp(HttpScenario):
    """The same sixteen streams over HTTP."""

    name = "sampling16"
    title = "16 clients over HTTP, sampling-bound model"
    contexts = 16
    context_size = 1024
    quick_model = big_model = ModelSpec("sampling")
    loads = sizes(
        quick={"prompt": 32, "tokens": 64},
        standard={"prompt": 64, "tokens": 128},
    )
    figures = (
        compare("tokens per second", "tok/s", "tok_s", ">= 1.6"),
        compare("longest gap", "s", "gap_max_s"),
    )

    def measure(self, side: Server, run: Run, number: int) -> Metrics:
        load, writer = self.load(run), self.writer(run, number)
        bodies = [
            body(
                writer.text(load["prompt"]),
                system=writer.text(8),
                max_tokens=load["tokens"],
                seed=writer.next_seed(),
            )
            for _ in range(self.contexts)
        ]
        return of_answers(chat_all(side.port, bodies), load["tokens"])


class Json(HttpScenario):
    """A schema with long fixed keys, and free text of as many tokens on the same server."""

    name = "json"
    title = "JSON schema with long fixed keys, 1 client"
    big_model = ModelSpec(LARGE, wiring="long-words")
    quick_model = ModelSpec("quick", wiring="long-words")
    loads = sizes(
        quick={"keys": 6, "free": 48},
        standard={"keys": 8, "free": 48},
        spec={"keys": 16, "free": 128},
    )
    figures = (
        compare("tokens per second", "tok/s", "json_tok_s", ">= 1.5"),
        compare("characters per second", "char/s", "json_char_s"),
        Figure("against own free text", "tok/s", "ours.json_tok_s", "ours.free_tok_s", ">= 0.97"),
        compare("tokens of one document", "tokens", "json_tokens"),
    )

    def flags(self, run: Run) -> Flags:
        """Free text of this model repeats itself; drafted, it would be compared with copying."""
        return replace(super().flags(run), extra=("--speculation", "off"))

    def measure(self, side: Server, run: Run, number: int) -> Metrics:
        load, writer = self.load(run), self.writer(run, number)
        schema = long_keys(load["keys"], writer.next_seed())
        wrapped = {"type": "json_schema", "json_schema": {"name": "form", "schema": schema}}
        text, system = writer.text(40), writer.text(8)
        constrained = {"ignore_eos": False, "response_format": wrapped}
        answer = chat(side.port, body(text, system=system, max_tokens=2000, **constrained))
        check_document(answer, schema)
        free = chat(side.port, body(writer.text(40), system=system, max_tokens=load["free"]))
        seconds = answer.ended_at - answer.stamps[0]
        return {
            "json_tok_s": answer.completion_tokens / seconds,
            "json_char_s": len(answer.text) / seconds,
            "json_tokens": answer.completion_tokens,
            "json_wall_s": answer.ended_at - answer.sent_at,
            "free_tok_s": free.decode_tok_s,
            "prompt_tokens": answer.prompt_tokens + free.prompt_tokens,
        }


_PARTS = (
    *("customer", "shipping", "invoice", "payment", "delivery"),
    *("contract", "address", "account", "number"),
)


def long_keys(count: int, seed: int) -> dict[str, Any]:
    """An object of `count` required keys of four words, with values the grammar bounds."""
    draw = random.Random(seed)
    kinds: list[dict[str, Any]] = [
        {"type": "boolean"},
        {"enum": ["confirmed by the department", "rejected by the department"]},
        {"type": "integer", "minimum": 0, "maximum": 99},
    ]
    properties = {
        "_".join([*draw.sample(_PARTS, 4), str(index)]): kinds[index % len(kinds)]
        for index in range(count)
    }
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def check_document(answer: Answer, schema: dict[str, Any]) -> None:
    """The whole document arrived, with every key."""
    if answer.finish_reason != "stop":
        raise WrongCount(f"the document did not end; finish reason {answer.finish_reason!r}")
    keys = list(json.loads(answer.text))
    if keys != list(schema["properties"]):
        raise WrongCount(f"keys; got {len(keys)}, wanted {len(schema['properties'])}")
