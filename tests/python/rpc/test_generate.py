# SPDX-License-Identifier: AGPL-3.0-only
"""GenerateStream: every field of the contract, what comes back, what is refused."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.protobuf import struct_pb2

from rpc_server import failure, read, serving
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.rpc.generated import llama_pb2
from sentiric_llama.types import Message, TruncationReport

Params = llama_pb2.GenerationParams


def struct(**values: Any) -> struct_pb2.Struct:
    made = struct_pb2.Struct()
    made.update(values)
    return made


async def test_text_then_finish_details() -> None:
    async with serving() as rpc:
        text, details = await read(rpc.generate("merhaba"))
        assert text == "You said: merhaba"
        assert details.finish_reason == "stop"
        assert (details.prompt_tokens, details.completion_tokens) == (7, len(text))


async def test_tokens_are_whole_characters() -> None:
    said = "İstanbul'da ğüşıöç 👩‍👩‍👧 語"
    async with serving(lambda: FakeEngine(said)) as rpc:
        pieces = [m.token async for m in rpc.generate() if m.WhichOneof("type") == "token"]
        assert len(pieces) == len(said)
        assert "".join(piece.decode() for piece in pieces) == said


async def test_every_field_reaches_the_engine() -> None:
    async with serving() as rpc:
        turns = [("user", "Başkent?"), ("assistant", "Ankara")]
        await read(
            rpc.generate(
                "Nüfusu?",
                system_prompt="Kısa cevap ver.",
                rag_context="Nüfus 5,8 milyon.",
                history=[llama_pb2.ConversationTurn(role=r, content=c) for r, c in turns],
                params=Params(
                    max_new_tokens=9,
                    temperature=0.5,
                    top_k=3,
                    top_p=0.25,
                    repetition_penalty=1.5,
                    stop_sequences=["\n", "son"],
                    seed=11,
                    engine_specific_params=struct(
                        min_p=0.125,
                        mirostat=2,
                        ignore_eos=True,
                        truncation="shift",
                        priority="realtime",
                    ),
                ),
            )
        )
        (request,) = rpc.engine.requests
    system, *history, last = request.messages
    assert system == Message("system", "Kısa cevap ver.")
    assert history == [Message(*turn) for turn in turns]
    assert last.role == "user" and "Nüfus 5,8 milyon." in last.content and "Nüfusu?" in last.content
    sampling = request.sampling
    assert (sampling.temperature, sampling.top_k, sampling.top_p) == (0.5, 3, 0.25)
    assert (sampling.repeat_penalty, sampling.seed, sampling.min_p) == (1.5, 11, 0.125)
    assert (sampling.mirostat, request.max_tokens) == (2, 9)
    assert request.stop == ("\n", "son") and request.ignore_eos and request.truncation == "shift"
    assert request.priority == "realtime"


async def test_what_is_not_set_is_the_servers_default() -> None:
    async with serving(default_temperature=0.75, default_system_prompt="ours") as rpc:
        await read(rpc.generate())
        await read(rpc.generate(params=Params(temperature=0), system_prompt="theirs"))
        await read(rpc.generate(system_prompt="PROMPT_SYSTEM_DEFAULT"))
        first, second, third = rpc.engine.requests
    assert first.sampling.temperature == 0.75 and first.messages[0].content == "ours"
    assert second.sampling.temperature == 0 and second.messages[0].content == "theirs"
    assert third.messages[0].content == "ours"


async def test_grammars() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    async with serving() as rpc:
        for extra in (struct(grammar='root ::= "x"'), struct(json_schema=schema)):
            await read(rpc.generate(params=Params(engine_specific_params=extra)))
        kinds = [request.grammar.kind for request in rpc.engine.requests if request.grammar]
    assert kinds == ["gbnf", "json_schema"]


async def test_stop_and_length() -> None:
    async with serving(lambda: FakeEngine("one two three")) as rpc:
        text, details = await read(rpc.generate(params=Params(stop_sequences=[" three"])))
        assert (text, details.finish_reason) == ("one two", "stop")
        text, details = await read(rpc.generate(params=Params(max_new_tokens=3)))
        assert (text, details.finish_reason) == ("one", "length")
        text, details = await read(rpc.generate(params=Params(max_new_tokens=0)))
        assert (text, details.completion_tokens) == ("", 0)


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"params": Params(temperature=3)}, "temperature"),
        ({"params": Params(temperature=float("nan"))}, "temperature"),
        ({"params": Params(top_k=-2)}, "top_k"),
        ({"params": Params(repetition_penalty=0)}, "repetition_penalty"),
        ({"params": Params(max_new_tokens=-2)}, "max_new_tokens"),
        ({"params": Params(stop_sequences=["x"] * 9)}, "stop"),
        ({"params": Params(stop_sequences=[""])}, "stop"),
        ({"params": Params(engine_specific_params=struct(top_k=1.5))}, "top_k"),
        ({"params": Params(engine_specific_params=struct(min_p="x"))}, "min_p"),
        ({"params": Params(engine_specific_params=struct(truncation="x"))}, "truncation"),
        ({"params": Params(engine_specific_params=struct(priority="x"))}, "priority"),
        ({"params": Params(engine_specific_params=struct(json_schema=1))}, "json_schema"),
        ({"params": Params(engine_specific_params=struct(ignore_eos=1))}, "ignore_eos"),
        ({"history": [llama_pb2.ConversationTurn(role="boss", content="x")]}, "history.0.role"),
        ({"prompt": ""}, "user_prompt"),
    ],
)
async def test_bad_fields(fields: dict[str, Any], where: str) -> None:
    async with serving() as rpc:
        error = await failure(rpc.generate(**fields))
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert error.details().startswith(f"[{where}]")
        assert not rpc.engine.requests


async def test_unknown_fields() -> None:
    """Of the protocol they are ignored; parameters are, unless fields are strict."""
    request = llama_pb2.GenerateStreamRequest(user_prompt="x").SerializeToString()
    unknown = request + b"\xfa\x07\x03abc"  # field 127
    extra = Params(engine_specific_params=struct(no_such_parameter=1))
    for strict in (False, True):
        async with serving(strict_fields=strict) as rpc:
            raw = rpc.channel.unary_stream("/sentiric.llm.v1.LlamaService/GenerateStream")
            assert len([message async for message in raw(unknown)]) == len("You said: x") + 1
            call = rpc.generate(params=extra)
            if strict:
                assert "no_such_parameter" in (await failure(call)).details()
            else:
                await read(call)


async def test_missing_adapter_and_model() -> None:
    async with serving() as rpc:
        error = await failure(rpc.generate(lora_adapter_id="legal_expert"))
        assert error.code() is grpc.StatusCode.NOT_FOUND
        extra = Params(engine_specific_params=struct(model="no-such-model"))
        assert (await failure(rpc.generate(params=extra))).code() is grpc.StatusCode.NOT_FOUND
        named = Params(engine_specific_params=struct(model="alias"))
        await read(rpc.generate(params=named))


async def test_losses_are_reported() -> None:
    lost = TruncationReport(dropped_turns=2, dropped_tokens=30)
    async with serving(lambda: FakeEngine(truncation=lost)) as rpc:
        call = rpc.generate()
        await read(call)
        trailing = dict(await call.trailing_metadata())
        assert trailing["x-truncated"] == "dropped_turns=2; dropped_tokens=30; shifted_tokens=0"
    async with serving() as rpc:
        call = rpc.generate()
        await read(call)
        assert "x-truncated" not in dict(await call.trailing_metadata())
