# SPDX-License-Identifier: AGPL-3.0-only
"""Log-probabilities of a prompt over gRPC are the library's, for every token, in order."""

from __future__ import annotations

import math
from typing import Any

import grpc
import pytest

import models
from rpc_server import failure, serving
from sentiric_llama.engine.aio import AsyncEngine
from sentiric_llama.rpc.generated import engine_pb2 as pb
from sentiric_llama.types import ChosenLogprob, Message

MESSAGES = [Message("system", "Be brief."), Message("user", "Hangi port? " * 30)]
SENT = [pb.ChatMessage(role=each.role, content=each.content) for each in MESSAGES]


def written(entry: ChosenLogprob) -> pb.ChosenLogprob:
    chosen, *top = (
        pb.TokenLogprob(token=each.token, piece=each.piece, logprob=each.logprob)
        for each in (entry.chosen, *entry.top)
    )
    return pb.ChosenLogprob(chosen=chosen, top=top)


@pytest.mark.native
@pytest.mark.parametrize(("alternatives", "max_tokens"), [(0, 0), (3, 0), (3, 4)])
async def test_they_are_those_of_the_library(alternatives: int, max_tokens: int) -> None:
    options: dict[str, Any] = {"prompt_logprobs": alternatives, "max_tokens": max_tokens}
    path = str(models.model("small-q8_0"))
    async with await AsyncEngine.open(path, contexts=2, context_size=512) as engine:
        wanted = (await engine.chat(MESSAGES, **options)).prompt_logprobs
        made: Any = lambda: engine  # noqa: E731
        async with serving(made) as rpc:
            request = pb.ChatRequest(messages=SENT, **options)
            events = [event async for event in rpc.own.Chat(request)]
    deltas = [event.delta for event in events[:-1]]
    first, *found = [entry for delta in deltas for entry in delta.prompt_logprobs]
    assert len(found) > 64 and sum(bool(delta.prompt_logprobs) for delta in deltas) > 1
    assert first.chosen.token == wanted[0].chosen.token and math.isnan(first.chosen.logprob)
    assert found == [written(entry) for entry in wanted[1:]]
    assert all(len(entry.top) == alternatives for entry in found)
    assert events[-1].end.usage.prompt_tokens == len(found) + 1
    assert sum(len(delta.tokens) for delta in deltas) == max_tokens


async def test_they_come_only_when_asked_for() -> None:
    async with serving() as rpc:
        request = pb.ChatRequest(messages=SENT)
        assert not any([event.delta.prompt_logprobs async for event in rpc.own.Chat(request)])
        for count in (-1, 21):
            error = await failure(
                rpc.own.Chat(pb.ChatRequest(messages=SENT, prompt_logprobs=count))
            )
            assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert f"[prompt_logprobs] out of range; got {count}, allowed" in error.details()
