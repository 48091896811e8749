# SPDX-License-Identifier: AGPL-3.0-only
"""EngineService: conversations with every option, embeddings, tokens, capacity."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import grpc
import pytest

from rpc_server import MODEL, Rpc, failure, serving
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.errors import InvalidGrammar, ModelInvalid
from sentiric_llama.rpc.engine_servicer import SERVICE
from sentiric_llama.rpc.generated import engine_pb2 as pb
from sentiric_llama.types import SamplingParams, Timings, TruncationReport, Usage

USER = [pb.ChatMessage(role="user", content="hello")]


async def chat(rpc: Rpc, **fields: Any) -> tuple[list[Any], Any]:
    """The deltas and the end of one chat."""
    fields.setdefault("messages", USER)
    events = [event async for event in rpc.own.Chat(pb.ChatRequest(**fields))]
    *deltas, last = events
    assert all(event.WhichOneof("event") == "delta" for event in deltas)
    assert last.WhichOneof("event") == "end"
    return [event.delta for event in deltas], last.end


async def test_chat() -> None:
    async with serving() as rpc:
        deltas, end = await chat(rpc, n=2)
    for index in range(2):
        own = [delta for delta in deltas if delta.index == index]
        assert "".join(delta.text for delta in own) == "You said: hello"
        assert [delta.finish_reason for delta in own if delta.finish_reason] == ["stop"]
        assert own[-1].HasField("finish_reason") and not own[0].HasField("finish_reason")
    assert end.model == MODEL
    assert (end.usage.prompt_tokens, end.usage.completion_tokens) == (5, 30)
    assert end.timings.predicted_n == 30 and end.timings.ttft_ms > 0


async def test_every_option_reaches_the_engine() -> None:
    async with serving() as rpc:
        await chat(
            rpc,
            model="alias",
            system_prompt="be brief",
            max_tokens=9,
            stop=["."],
            ignore_eos=True,
            truncation=pb.TRUNCATION_ERROR,
            priority=pb.PRIORITY_BATCH,
            sampling=pb.Sampling(
                temperature=0.5,
                seed=-7,
                logit_bias={5: -3.5},
                dry_sequence_breakers=["\n"],
                top_logprobs=2,
            ),
        )
        (request,) = rpc.engine.requests
    assert request.messages[0].content == "be brief"
    assert (request.max_tokens, request.stop, request.ignore_eos) == (9, (".",), True)
    assert (request.truncation, request.priority) == ("error", "batch")
    sampling = request.sampling
    assert (sampling.temperature, sampling.seed) == (0.5, 2**64 - 7)
    assert sampling.logit_bias == {5: -3.5} and sampling.dry_sequence_breakers == ("\n",)
    assert sampling.top_logprobs == 2


async def test_a_prediction_is_for_the_engine_and_counted() -> None:
    async with serving() as rpc:
        _, end = await chat(rpc, prediction="You said: ho")
        (request,) = rpc.engine.requests
    assert "".join(map(chr, request.prediction)) == "You said: ho"
    assert end.usage.accepted_prediction_tokens == len("You said: h")
    assert end.usage.rejected_prediction_tokens == 1


async def test_logprobs() -> None:
    async with serving() as rpc:
        deltas, _ = await chat(rpc, sampling=pb.Sampling(top_logprobs=2))
    (entry,) = deltas[0].logprobs
    assert entry.chosen.piece == b"Y" and entry.chosen.logprob == -0.25 and len(entry.top) == 2


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("gbnf", 'root ::= "x"', "gbnf"),
        ("json_schema", '{"type": "object"}', "json_schema"),
        ("json_object", True, "json_object"),
        ("json_object", False, None),
        ("regex", "a+", "regex"),
        ("choices", pb.Choices(texts=["a"]), "choice"),
    ],
)
async def test_grammars(field: str, value: Any, kind: str | None) -> None:
    async with serving() as rpc:
        await chat(rpc, **{field: value})
        (request,) = rpc.engine.requests
    assert (request.grammar.kind if request.grammar else None) == kind


@pytest.mark.parametrize(
    ("engine_where", "field", "value"),
    [
        ("grammar:1:2", "gbnf", "root"),
        ("json_schema:/type", "json_schema", "{}"),
        ("regex:3", "regex", "("),
        ("choice", "choices", pb.Choices()),
    ],
)
async def test_errors_of_grammars_name_the_callers_field(
    engine_where: str, field: str, value: Any
) -> None:
    fail = InvalidGrammar("wrong", where=engine_where)
    async with serving(lambda: FakeEngine(fail=fail)) as rpc:
        error = await failure(rpc.own.Chat(pb.ChatRequest(messages=USER, **{field: value})))
    _, colon, place = engine_where.partition(":")
    assert error.details() == f"[{field}{colon}{place}] wrong"


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [pb.ChatMessage(role="", content="x")]}, "messages.0.role"),
        ({"n": 9}, "n"),
        ({"n": -1}, "n"),
        ({"max_tokens": -2}, "max_tokens"),
        ({"truncation": 9}, "truncation"),
        ({"priority": -1}, "priority"),
        ({"json_schema": "{"}, "json_schema"),
        ({"json_schema": "[" * 30_000}, "json_schema"),
        ({"json_schema": "1"}, "json_schema"),
        ({"gbnf": "x" * 70_000}, "gbnf"),
        ({"sampling": pb.Sampling(top_logprobs=21)}, "top_logprobs"),
        ({"sampling": pb.Sampling(logit_bias={-1: 1})}, "logit_bias"),
        ({"sampling": pb.Sampling(temperature=float("inf"))}, "temperature"),
        ({"tools": [pb.Tool(name="now")] * 2}, "tools.1.name"),
        ({"tools": [pb.Tool(name="")]}, "tools.0.name"),
        ({"tools": [pb.Tool(name="now", parameters="{")]}, "tools.0.parameters"),
        ({"tools": [pb.Tool(name="now", parameters="[]")]}, "tools.0.parameters"),
        ({"tools": [pb.Tool(name="now", parameters='{"a":' * 970 + "1" + "}" * 970)]}, "tools.0"),
        ({"tools": [pb.Tool(name="now", parameters='{"a":NaN}')]}, "tools.0.parameters"),
        ({"template_arguments": '{"a":' * 40 + "1" + "}" * 40}, "template_arguments"),
        ({"tools": [pb.Tool(name="now")], "tool_choice": "later"}, "tool_choice"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"reasoning_effort": "much"}, "reasoning_effort"),
        ({"thinking_budget": -2}, "thinking_budget"),
        ({"template_arguments": "[]"}, "template_arguments"),
        (
            {"messages": [*USER, pb.ChatMessage(role="tool", content="x")]},
            "messages.1.tool_call_id",
        ),
    ],
)
async def test_bad_fields(fields: dict[str, Any], where: str) -> None:
    async with serving() as rpc:
        request = pb.ChatRequest(**{"messages": USER, **fields})
        error = await failure(rpc.own.Chat(request))
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert error.details().startswith(f"[{where}"), error.details()
        assert not rpc.engine.requests


OBJECT = '{"type": "object"}'


async def test_calls_and_thoughts_come_apart() -> None:
    text = 'Hm. <tool_call>\n{"name": "now", "arguments": {"zone": "TR"}}\n</tool_call>'
    async with serving(lambda: FakeEngine(text)) as rpc:
        deltas, _ = await chat(rpc, tools=[pb.Tool(name="now", strict=True, parameters=OBJECT)])
        assert "".join(delta.text for delta in deltas) == "Hm."
        calls = [call for delta in deltas for call in delta.calls]
        assert calls[0].name == "now" and calls[0].id.startswith("call_")
        assert "".join(call.arguments for call in calls) == '{"zone": "TR"}'
        assert deltas[-1].finish_reason == "tool_calls"
        deltas, _ = await chat(rpc, tools=[pb.Tool(name="now")], tool_choice="none")
        assert "<tool_call>" in "".join(delta.text for delta in deltas)


async def test_unknown_model() -> None:
    async with serving() as rpc:
        error = await failure(rpc.own.Chat(pb.ChatRequest(messages=USER, model="other")))
        assert error.code() is grpc.StatusCode.NOT_FOUND


async def test_tokens_there_and_back() -> None:
    text = "İstanbul 語"
    async with serving() as rpc:
        found = await rpc.own.Tokenize(pb.TokenizeRequest(text=text))
        assert b"".join(found.pieces).decode() == text
        back = await rpc.own.Detokenize(pb.DetokenizeRequest(tokens=found.tokens))
        assert back.text == text
        bad = pb.DetokenizeRequest(tokens=[-1])
        error = await failure(rpc.own.Detokenize(bad))
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_embeddings() -> None:
    async with serving() as rpc:
        found = await rpc.own.Embed(pb.EmbedRequest(texts=["a", "b"]))
        rows = await FakeEngine().embed(["a", "b"])
        assert [list(e.values) for e in found.embeddings] == rows.tolist()
        assert found.model == MODEL and rpc.service.in_flight == 0
        for texts in ([], ["x"] * 257):
            error = await failure(rpc.own.Embed(pb.EmbedRequest(texts=texts)))
            assert error.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_capacity_in_every_state() -> None:
    async def capacity() -> Any:
        return await rpc.own.GetCapacity(pb.GetCapacityRequest())

    async with serving(lambda: FakeEngine("abc", delay_s=60), ready=False) as rpc:
        found = await capacity()
        assert (found.state, found.total, found.available, found.model) == ("loading", 4, 0, "")
        rpc.attach()
        call = rpc.generate()
        while not rpc.engine.active:
            await asyncio.sleep(0.005)
        found = await capacity()
        assert (found.state, found.model, found.context_size) == ("ready", MODEL, 4096)
        assert (found.active, found.total, found.available) == (1, 4, 3)
        call.cancel()
        rpc.service.begin_drain()
        assert (await capacity()).state == "draining"
    async with serving(ready=False) as rpc:
        rpc.service.fail(ModelInvalid("x"))
        assert (await capacity()).state == "failed"


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (pb.Sampling, SamplingParams),
        (pb.Usage, Usage),
        (pb.Timings, Timings),
        (pb.ContextReport, TruncationReport),
    ],
)
def test_messages_have_the_fields_of_our_values(message: Any, kind: Any) -> None:
    names = {field.name for field in dataclasses.fields(kind)}
    assert set(message.DESCRIPTOR.fields_by_name) == names


def test_the_names_of_the_methods() -> None:
    names = ["Chat", "Embed", "Tokenize", "Detokenize", "GetCapacity", "Cancel"]
    assert [method.name for method in SERVICE.methods] == names
