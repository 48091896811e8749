# SPDX-License-Identifier: AGPL-3.0-only
"""The log tells of an answer that ended early: why, where, and how far it had come."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

import grpc
import pytest

from rpc_server import serving
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.errors import (
    DeadlineExceeded,
    NumericError,
    SentiricLlamaError,
)
from sentiric_llama.http.openai import ChatRequest
from sentiric_llama.http.routes.chat import ChatAnswer
from sentiric_llama.rpc.generated import engine_pb2
from sentiric_llama.service.chat_call import ChatCall
from sentiric_llama.service.models.slot import ServedModel
from sentiric_llama.service.service import LlamaService
from sentiric_llama.settings.config import Settings
from sentiric_llama.types import Message

FAULT = NumericError("nan", where="logits")
UNREAD = DeadlineExceeded("nobody read the answer in time", where="reader")
CASES = pytest.mark.parametrize(
    ("error", "level", "expected"),
    [
        (FAULT, logging.WARNING, ("numeric", "logits")),
        (UNREAD, logging.INFO, ("deadline_exceeded", "reader")),
    ],
)


def engine(error: SentiricLlamaError) -> FakeEngine:
    return FakeEngine("abcdef", fail=error, fail_after=3)


def check(caplog: Any, name: str, level: int, expected: tuple[str, str]) -> None:
    (record,) = [r for r in caplog.records if getattr(r, "event", "") == name]
    fields = record.attributes
    assert (record.levelno, (fields["code"], fields["where"])) == (level, expected)
    assert (fields["completion_tokens"], fields["prompt_tokens"]) == (3, None)
    assert fields["finish_reason"] == "error"


@CASES
@pytest.mark.parametrize("stream", [True, False])
def test_over_http(
    error: Any, level: int, expected: Any, stream: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        service = LlamaService(Settings())
        service.attach(engine(error), ServedModel("m", (), created=1))
        request = ChatRequest(ChatCall((Message("user", "x"),)), stream=stream)

        async def receive() -> Any:
            await asyncio.Event().wait()

        async def send(_message: Any) -> None:
            await asyncio.sleep(0)

        with contextlib.suppress(SentiricLlamaError):
            await ChatAnswer(service, request)({"type": "http"}, receive, send)

    with caplog.at_level(logging.INFO):
        asyncio.run(main())
    check(caplog, "HTTP_STREAM_COMPLETE" if stream else "HTTP_CHAT_REFUSED", level, expected)


@CASES
@pytest.mark.parametrize("chat", [True, False])
def test_over_grpc(
    error: Any, level: int, expected: Any, chat: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with serving(lambda: engine(error)) as rpc:
            message = engine_pb2.ChatMessage(role="user", content="x")
            request = engine_pb2.ChatRequest(messages=[message])
            call = rpc.own.Chat(request) if chat else rpc.generate()
            with pytest.raises(grpc.aio.AioRpcError):
                async for _ in call:
                    pass
            await rpc.settled()

    with caplog.at_level(logging.INFO):
        asyncio.run(main())
    check(caplog, "LLM_STREAM_COMPLETE", level, expected)
    (refused,) = [r for r in caplog.records if getattr(r, "event", "") == "GRPC_REFUSED"]
    assert refused.levelno == level


def test_a_call_that_its_client_left(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with serving(lambda: FakeEngine("x" * 10_000, delay_s=0.001)) as rpc:
            call = rpc.generate()
            await call.read()
            call.cancel()
            await rpc.settled()

    with caplog.at_level(logging.INFO):
        asyncio.run(main())
    (record,) = [r for r in caplog.records if getattr(r, "event", "") == "LLM_STREAM_COMPLETE"]
    assert record.getMessage() == "cut off" and record.attributes["completion_tokens"] > 0
    assert record.attributes["finish_reason"] == "cancelled"
