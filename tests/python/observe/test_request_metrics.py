# SPDX-License-Identifier: AGPL-3.0-only
"""Each request is counted once, however it ends; times are counted by tokens."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from typing import Any

import pytest

from observe_tools import run_service
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.errors import (
    Cancelled,
    InvalidArgument,
    NumericError,
    Overloaded,
    SentiricLlamaError,
)
from sentiric_llama.log.trace import CURRENT_TRACE, Trace
from sentiric_llama.service.chat_call import ChatCall
from sentiric_llama.service.service import LlamaService
from sentiric_llama.telemetry.histogram import Histogram
from sentiric_llama.telemetry.percentile import percentile
from sentiric_llama.telemetry.request_metrics import ReaderLeft
from sentiric_llama.types import Message, TruncationReport

CALL = ChatCall(messages=(Message("user", "hi"),))
ANSWER = "0123456789"


def answering(**options: Any) -> FakeEngine:
    return FakeEngine(ANSWER, **options)


def test_whole_answers() -> None:
    async def body(service: LlamaService) -> None:
        await service.chat(CALL)
        await service.chat(ChatCall(messages=CALL.messages, max_tokens=3))
        async for _ in service.stream_chat(CALL):
            pass

    request_metrics = run_service(body, answering).request_metrics
    assert (
        request_metrics.total.requests == {("http", "chat", "ok"): 3}
        and not request_metrics.total.errors
    )
    assert request_metrics.total.finish_reasons == {"stop": 2, "length": 1}
    assert (
        request_metrics.total.tokens_generated == request_metrics.total.finished.predicted_n == 23
    )
    assert (
        request_metrics.total.first_token.count
        == request_metrics.total.queue.count
        == request_metrics.total.prefill.count
        == 3
    )
    assert request_metrics.total.between_tokens.count == 23 - 3
    assert request_metrics.total.latency["http", "chat"].count == 3
    assert request_metrics.total.finished.most_tokens == 12 and len(request_metrics.recent) == 3


def test_choices_are_one_request() -> None:
    async def body(service: LlamaService) -> None:
        await service.chat(ChatCall(messages=CALL.messages, n=3))

    request_metrics = run_service(body, answering).request_metrics
    assert request_metrics.total.requests.total() == request_metrics.total.first_token.count == 1
    assert request_metrics.total.finish_reasons["stop"] == request_metrics.total.queue.count == 3
    assert (
        request_metrics.total.tokens_generated == 30
        and request_metrics.total.between_tokens.count == 27
    )


@pytest.mark.parametrize("leave", [GeneratorExit, ReaderLeft, asyncio.CancelledError])
def test_a_reader_who_leaves_cancels(leave: type[BaseException]) -> None:
    async def body(service: LlamaService) -> None:
        with contextlib.suppress(BaseException):
            async with service.open_chat(CALL) as stream:
                await stream.read()
                raise leave

    request_metrics = run_service(body, answering).request_metrics
    assert (
        request_metrics.total.requests == {("http", "chat", "cancelled"): 1}
        and not request_metrics.total.errors
    )
    assert request_metrics.total.first_token.count == 1 and not request_metrics.total.finish_reasons


def test_leaving_after_the_end_cancels_nothing() -> None:
    async def body(service: LlamaService) -> None:
        with contextlib.suppress(ReaderLeft):
            async with service.open_chat(CALL) as stream:
                while not stream.done:
                    await stream.read()
                raise ReaderLeft

    assert run_service(body, answering).request_metrics.total.requests == {
        ("http", "chat", "ok"): 1
    }


def test_a_cancelled_task_cancels() -> None:
    async def body(service: LlamaService) -> None:
        task = asyncio.create_task(service.chat(CALL))
        while not service.request_metrics.running:
            await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    request_metrics = run_service(body, lambda: answering(delay_s=60)).request_metrics
    assert request_metrics.total.requests == {("http", "chat", "cancelled"): 1}


def test_failures_have_their_codes() -> None:
    async def body(service: LlamaService) -> None:
        for call in (CALL, ChatCall(messages=CALL.messages, model="other")):
            with contextlib.suppress(SentiricLlamaError):
                await service.chat(call)
        with contextlib.suppress(SentiricLlamaError):
            await service.detokenize([-1])
        with contextlib.suppress(InvalidArgument), service.request_metrics.reading("tokenize"):
            raise InvalidArgument("x")
        with contextlib.suppress(ZeroDivisionError), service.request_metrics.open("detokenize"):
            1 / 0  # noqa: B018

    request_metrics = run_service(
        body, lambda: answering(fail=NumericError("x"), fail_after=4)
    ).request_metrics
    assert request_metrics.total.errors == Counter(
        {
            ("http", "numeric"): 1,
            ("http", "model_not_found"): 1,
            ("http", "invalid_argument"): 2,
            ("http", "internal"): 1,
        }
    )
    assert {outcome for _, _, outcome in request_metrics.total.requests} == {"error"}
    assert (
        request_metrics.total.requests.total() == 5 and request_metrics.total.tokens_generated == 4
    )


def test_a_failure_that_the_reader_saw_is_counted_although_the_block_ended_well() -> None:
    async def body(service: LlamaService) -> None:
        async with service.open_chat(CALL) as stream:
            with contextlib.suppress(Overloaded):
                while True:
                    await stream.read()

    request_metrics = run_service(
        body, lambda: answering(fail=Overloaded("full"), fail_after=2)
    ).request_metrics
    assert request_metrics.total.errors == {("http", "overloaded"): 1}


def test_a_cancel_by_id_is_no_error() -> None:
    async def body(service: LlamaService) -> None:
        CURRENT_TRACE.set(Trace(request_id="r", protocol="http"))
        task = asyncio.create_task(service.chat(CALL))
        while not service.running.cancel("r"):
            await asyncio.sleep(0)
        with contextlib.suppress(Cancelled):
            await task

    request_metrics = run_service(body, lambda: answering(delay_s=60)).request_metrics
    assert (
        request_metrics.total.requests == {("http", "chat", "cancelled"): 1}
        and not request_metrics.total.errors
    )


def test_tokens_and_other_protocols() -> None:
    async def body(service: LlamaService) -> None:
        await service.detokenize(await service.tokenize("ab"))

    request_metrics = run_service(body, protocol="grpc").request_metrics
    assert request_metrics.total.requests == {
        ("grpc", "tokenize", "ok"): 1,
        ("grpc", "detokenize", "ok"): 1,
    }


def test_what_did_not_fit_is_counted() -> None:
    async def body(service: LlamaService) -> None:
        await service.chat(CALL)

    report = TruncationReport(dropped_turns=1, dropped_tokens=7, shifted_tokens=5)
    request_metrics = run_service(body, lambda: answering(truncation=report)).request_metrics
    assert request_metrics.total.truncated == {"dropped": 1, "shifted": 1}
    assert request_metrics.total.truncated_tokens == {"dropped": 7, "shifted": 5}


def test_listeners_hear_of_first_tokens_and_ends() -> None:
    heard: list[str] = []

    async def body(service: LlamaService) -> None:
        service.request_metrics.on_first_token.append(
            lambda call: heard.append(f"first {call.tokens}")
        )
        service.request_metrics.on_end.append(lambda call: heard.append(call.outcome))
        await service.chat(CALL)

    run_service(body, answering)
    assert heard == ["first 0", "ok"]


def test_an_onlooker_that_fails_ends_no_request(caplog: pytest.LogCaptureFixture) -> None:
    async def body(service: LlamaService) -> None:
        service.request_metrics.on_end.append(lambda call: 1 // len(call.error))
        assert (await service.chat(CALL)).choices[0].text == ANSWER

    assert run_service(body, answering).request_metrics.total.requests.total() == 1
    assert "ZeroDivisionError" in caplog.text


def test_histogram() -> None:
    histogram = Histogram((1, 2))
    for value, times in ((0.5, 1), (1, 1), (1.5, 3), (9, 2)):
        histogram.add(value, times)
    assert histogram.counts == [2, 3, 2] and histogram.count == 7
    assert histogram.total == 24


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([3], 0.5, 3), ([3], 0.99, 3), ([4, 1, 2, 3], 0.5, 2), ([1, 2], 0, 1)]
    + [(range(1, 101), share, round(100 * share)) for share in (0.5, 0.95, 0.99, 1.0)],
)
def test_percentile(values: Any, share: float, expected: float) -> None:
    assert percentile(values, share) == expected


def test_a_percentile_needs_values() -> None:
    with pytest.raises(ValueError, match="at least one value"):
        percentile([], 0.5)
