# SPDX-License-Identifier: AGPL-3.0-only
"""The use cases without any protocol: readiness, streams, cancellation, drain."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import pytest

from sentiric_llama.access.caller import CURRENT_CALLER, Caller
from sentiric_llama.engine.fake import FAKE_INFO, FakeEngine
from sentiric_llama.engine.formats.model_format import ModelFormat
from sentiric_llama.errors import (
    InternalError,
    InvalidArgument,
    ModelNotFound,
    Overloaded,
    SentiricLlamaError,
    Unavailable,
)
from sentiric_llama.service.chat_call import ChatCall, build_requests
from sentiric_llama.service.chat_result import collect
from sentiric_llama.service.models.slot import ServedModel
from sentiric_llama.service.prompt.asked_content import asked_content
from sentiric_llama.service.prompt.reasoning_effort import effort_prompt
from sentiric_llama.service.readiness import NotReady, Readiness
from sentiric_llama.service.service import LlamaService
from sentiric_llama.settings.config import Settings
from sentiric_llama.types import Message, Request, Tool, ToolCall
from sentiric_llama.types.wishes import Wishes

CALL = ChatCall(messages=(Message("user", "hi"),))
FORM = ModelFormat(FAKE_INFO, "")


def requests_of(call: ChatCall, settings: Settings) -> list[Request]:
    return build_requests(call, settings, 100, FORM)[0]


def run(work: Coroutine[Any, Any, None]) -> None:
    """Runs a test and checks that no task is left over."""

    async def checked() -> None:
        await work
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(checked())


def ready(engine: FakeEngine, **settings: Any) -> LlamaService:
    service = LlamaService(Settings(**settings))
    service.attach(engine, ServedModel("m", ("a",)))
    return service


def test_states() -> None:
    async def body() -> None:
        service = LlamaService(Settings())
        with pytest.raises(NotReady, match="Model is loading or not ready"):
            await service.chat(CALL)
        assert service.capacity.total == 4 and not service.capacity.has_capacity
        service.fail(InternalError("x"))
        assert service.state is Readiness.FAILED
        service.attach(FakeEngine(), ServedModel("m"))
        assert service.is_ready and (await service.chat(CALL)).choices[0].text == "You said: hi"
        await service.close()
        await service.close()
        assert service.state is Readiness.DRAINING
        with pytest.raises(NotReady, match="shutting down"):
            await service.chat(CALL)

    run(body())


def test_attach_while_draining_stays_draining() -> None:
    async def body() -> None:
        service = LlamaService(Settings())
        service.begin_drain()
        service.attach(FakeEngine(), ServedModel("m"))
        assert service.state is Readiness.DRAINING

    run(body())


def test_listeners_hear_each_change_of_state_once() -> None:
    async def body() -> None:
        service = LlamaService(Settings())
        heard: list[Readiness] = []
        service.on_state_change.append(heard.append)
        service.fail(InternalError("x"))
        service.attach(FakeEngine(), ServedModel("m"))
        service.announce_drain()
        service.begin_drain()
        await service.close()
        assert heard == [Readiness.FAILED, Readiness.READY, Readiness.DRAINING]

    run(body())


def test_an_announced_drain_still_accepts_work() -> None:
    async def body() -> None:
        service = ready(FakeEngine())
        service.announce_drain()
        assert not service.is_ready and (await service.chat(CALL)).choices[0].text == "You said: hi"
        service.begin_drain()
        with pytest.raises(NotReady, match="shutting down"):
            await service.chat(CALL)

    run(body())


def test_names() -> None:
    async def body() -> None:
        service = ready(FakeEngine())
        for name in ("m", "a", "default", ""):
            assert service.find_model(name).served.name == "m"
        with pytest.raises(ModelNotFound, match="available: default, m, a"):
            service.find_model("M")

    run(body())


def test_stream_equals_chat() -> None:
    async def body() -> None:
        service = ready(FakeEngine())
        items = [item async for item in service.stream_chat(CALL)]
        text = "".join(item.delta.text for item in items)
        assert text == (await service.chat(CALL)).choices[0].text
        assert items[-1].delta.final is not None
        assert service.in_flight == 0

    run(body())


@pytest.mark.parametrize("after", [0, 1, 5])
def test_closing_a_stream_frees_everything(after: int) -> None:
    async def body() -> None:
        engine = FakeEngine(delay_s=0.001)
        service = ready(engine)
        stream = service.stream_chat(ChatCall(messages=CALL.messages, n=3))
        for _ in range(after):
            await anext(stream)
        await stream.aclose()
        assert engine.active == 0 and service.in_flight == 0

    run(body())


def test_cancelling_a_chat_frees_everything() -> None:
    async def body() -> None:
        engine = FakeEngine(delay_s=1)
        service = ready(engine)
        task = asyncio.create_task(service.chat(CALL))
        await asyncio.sleep(0.02)
        assert engine.active == 1 and service.in_flight == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert engine.active == 0 and service.in_flight == 0

    run(body())


def test_one_failed_choice_ends_the_others() -> None:
    async def body() -> None:
        engine = FakeEngine(contexts=1, queue_limit=1, delay_s=0.01)
        service = ready(engine)
        other = asyncio.ensure_future(service.chat(CALL))
        while not engine.active:
            await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await service.chat(ChatCall(messages=CALL.messages, n=4))
        assert engine.stats().queued == 0
        await other
        assert engine.active == 0 and engine.stats().queued == 0

    run(body())


def test_deltas_before_a_failure_are_delivered() -> None:
    async def body() -> None:
        service = ready(FakeEngine(fail=InternalError("bug"), fail_after=3))
        text = ""
        with pytest.raises(InternalError):
            async for item in service.stream_chat(CALL):
                text += item.delta.text
        assert text == "You"

    run(body())


def test_a_reader_that_waits_holds_the_engine_back() -> None:
    async def body() -> None:
        engine = FakeEngine(lambda _: "x" * 5000)
        service = ready(engine, default_max_tokens=5000)
        async with service.open_chat(CALL) as stream:
            first = await stream.read()
            await asyncio.sleep(0.1)
            assert engine.active == 1, "the engine is not asked for more than fits the buffer"
            count = len(first)
            while not stream.done:
                count += len(await stream.read())
        assert count == 5001

    run(body())


def test_read_times_out_and_goes_on() -> None:
    async def body() -> None:
        service = ready(FakeEngine("ab", delay_s=0.5))
        async with service.open_chat(CALL) as stream:
            assert await stream.read(0.01) == []
            text = ""
            while not stream.done:
                text += "".join(item.delta.text for item in await stream.read(0.03))
        assert text == "ab" and await stream.read() == []

    run(body())


def test_drain() -> None:
    async def body() -> None:
        engine = FakeEngine("abc", delay_s=0.2)
        service = ready(engine)
        assert await service.wait_idle(0)
        task = asyncio.create_task(service.chat(CALL))
        await asyncio.sleep(0.01)
        service.begin_drain()
        with pytest.raises(NotReady):
            await service.chat(CALL)
        assert not await service.wait_idle(0.01)
        assert await service.wait_idle(5)
        assert (await task).choices[0].text == "abc"

    run(body())


def test_closing_ends_what_runs_with_unavailable() -> None:
    async def body() -> None:
        service = ready(FakeEngine("abc", delay_s=0.2))
        task = asyncio.create_task(service.chat(CALL))
        await asyncio.sleep(0.01)
        await service.close()
        with pytest.raises(Unavailable, match="shutting down"):
            await task
        assert await service.wait_idle(1)

    run(body())


def test_defaults_come_from_settings() -> None:
    settings = Settings(
        default_temperature=0.1,
        default_top_k=3,
        default_max_tokens=9,
        truncation="error",
        request_timeout_ms=5,
    )
    (request,) = requests_of(CALL, settings)
    assert (request.sampling.temperature, request.sampling.top_k) == (0.1, 3)
    assert (request.max_tokens, request.truncation, request.deadline_ms) == (9, "error", 5)
    call = ChatCall(
        messages=CALL.messages,
        sampling={"temperature": 1.0},
        max_tokens=0,
        truncation="shift",
    )
    (request,) = requests_of(call, settings)
    assert (request.sampling.temperature, request.max_tokens) == (1.0, 0)
    assert request.truncation == "shift"


def test_more_candidates_than_tokens_are_all_tokens() -> None:
    for wanted, chosen in ((0, 0), (99, 99), (100, 100), (2**31 - 1, 100)):
        (request,) = requests_of(replace(CALL, sampling={"top_k": wanted}), Settings())
        assert request.sampling.top_k == chosen
    (request,) = requests_of(CALL, Settings(default_top_k=101))
    assert request.sampling.top_k == 100


@pytest.mark.parametrize(
    ("call", "where"),
    [
        (ChatCall(messages=()), "messages"),
        (ChatCall(messages=(Message("system", ""), Message("developer", ""))), "messages"),
        (ChatCall(messages=CALL.messages * 2049), "messages"),
        (ChatCall(messages=(Message("user", "ş" * 2**20 + "x"),)), "messages"),
        (ChatCall(messages=CALL.messages, rag_context="x" * (2**21)), "messages"),
        (ChatCall(messages=CALL.messages, sampling={"logit_bias": {100: 1.0}}), "logit_bias"),
    ],
)
def test_limits(call: ChatCall, where: str) -> None:
    with pytest.raises(SentiricLlamaError) as caught:
        requests_of(call, Settings())
    assert caught.value.where == where and isinstance(caught.value, ValueError)


def test_tenant_can_be_required() -> None:
    async def body() -> None:
        service = ready(FakeEngine(), require_tenant=True)
        with pytest.raises(InvalidArgument, match="tenant_id header is strictly required"):
            await service.chat(CALL)

    run(body())


def test_a_wildcard_answers_to_every_name() -> None:
    async def body() -> None:
        service = LlamaService(Settings())
        service.attach(FakeEngine(), ServedModel("m", answers_to_all=True))
        for name in ("m", "default", "claude-opus", "*", ""):
            assert service.find_model(name).served.name == "m"
        assert service.models.names() == ["m"]
        service.attach(FakeEngine(), ServedModel("m"))
        with pytest.raises(ModelNotFound, match="available: default, m"):
            service.find_model("claude-opus")
        await service.close()

    run(body())


@pytest.mark.parametrize(
    ("effort", "expected"),
    [(None, "S"), ("none", "S"), ("low", "S\n\nbriefly"), ("high", "S\n\nlong")],
)
def test_an_effort_adds_its_instruction_behind_the_prompt(
    effort: str | None, expected: str
) -> None:
    settings = Settings(default_rag_prompt_low="briefly", default_rag_prompt_high="long")
    assert effort_prompt("S", effort, settings) == expected
    assert effort_prompt("", "low", settings) == "briefly"
    assert effort_prompt("S", "low", Settings(default_rag_prompt_low="")) == "S"
    assert "<think>" in effort_prompt("S", "high", Settings())
    with pytest.raises(InvalidArgument) as caught:
        effort_prompt("S", "huge", settings)
    assert caught.value.where == "reasoning_effort" and "none | low | high" in caught.value.what


def test_nobody_is_told_to_think_while_thoughts_are_off() -> None:
    settings = Settings()
    for thinks, told in ((None, True), (True, True), (False, False)):
        wishes = Wishes(thinks=thinks, effort="high")
        (request,) = requests_of(replace(CALL, wishes=wishes), settings)
        assert ("<think>" in request.messages[0].content) is told


def test_a_key_is_told_only_of_models_that_it_may_use() -> None:
    async def body() -> None:
        service = ready(FakeEngine())
        for models, told in (
            ((), "available: default, m, a"),
            (("a",), "available: default, m, a"),
            (("other",), "none is available to this key"),
        ):
            CURRENT_CALLER.set(Caller(models=frozenset(models)))
            with pytest.raises(ModelNotFound) as caught:
                service.find_model("x")
            assert caught.value.what == f"no such model; {told}"

    run(body())


def test_what_was_asked_is_logged_whole() -> None:
    call = ToolCall("1", "f", '{"a": 1}')
    messages = (Message("user", "hi"), Message("assistant", "", tool_calls=(call,)))
    asked = ChatCall(messages=messages, wishes=Wishes(tools=(Tool("f", "", ""),)))
    assert asked_content(asked) == {
        "messages": [
            {"role": "user", "content": "hi"},
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [{"name": "f", "arguments": '{"a": 1}'}],
            },
        ],
        "tools": ["f"],
    }
    assert asked_content(ChatCall(prompts=("a", (1, 2)))) == {"prompts": ["a", [1, 2]]}


@pytest.mark.parametrize("count", [1, 8])
def test_a_call_is_no_circle(count: int) -> None:
    """What stays until the collector runs would hold the engine, whose memory is large."""

    async def body() -> None:
        service = ready(FakeEngine(contexts=1))
        gc.collect()
        gc.disable()
        try:
            async with service.open_chat(replace(CALL, n=count)) as stream:
                seen = weakref.ref(stream)
                await collect(stream)
            del stream
            await asyncio.sleep(0)
            assert seen() is None
        finally:
            gc.enable()
            await service.close()

    run(body())
