# SPDX-License-Identifier: AGPL-3.0-only
"""engine_specific_params: what has an effect, what is named as ignored, what is refused."""

from __future__ import annotations

import logging
from typing import Any

import grpc
import pytest
from google.protobuf import struct_pb2

from rpc_server import failure, read, serving
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.errors import InvalidGrammar
from sentiric_llama.rpc import engine_servicer, llama_servicer
from sentiric_llama.rpc.generated import engine_pb2, llama_pb2
from sentiric_llama.rpc.parameters import ELSEWHERE, NOT_IN_THIS_CALL
from sentiric_llama.rpc.parse import read_generate
from sentiric_llama.service.grammar_fields import EMPTY_IS_UNSET, NAMES_ELSEWHERE
from sentiric_llama.service.request_fields import UNSUPPORTED, WITHOUT_EFFECT
from sentiric_llama.service.service import LlamaService
from sentiric_llama.types import Grammar
from sentiric_llama.types.wishes import Wishes

INF, NAN = float("inf"), float("nan")
REQUEST = llama_pb2.GenerateStreamRequest


def params(values: dict[str, Any]) -> llama_pb2.GenerationParams:
    struct = struct_pb2.Struct()
    struct.update(values)
    return llama_pb2.GenerationParams(engine_specific_params=struct)


@pytest.mark.parametrize(
    ("values", "where"),
    [
        ({"zzz": INF}, "zzz"),
        ({"zzz": -INF}, "zzz"),
        ({"min_p": NAN}, "min_p"),
        ({"z z": {"a": [1, NAN]}}, "z%20z.a.1"),
        ({"json_schema": {"minimum": INF}}, "json_schema.minimum"),
    ],
)
async def test_a_number_that_json_has_not(
    values: dict[str, Any], where: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving() as rpc:
        error = await failure(rpc.generate(params=params(values)))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error.details().startswith(f"[{where}] out of range; got ")
    assert not [record for record in caplog.records if record.levelno > logging.INFO]


@pytest.mark.parametrize("kind", [OverflowError, KeyError, TypeError, RecursionError])
async def test_what_a_message_makes_raise_is_the_callers_mistake(
    kind: type[Exception], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise kind("a private prompt")

    monkeypatch.setattr(llama_servicer, "read_generate", fail)
    monkeypatch.setattr(engine_servicer, "parse_chat", fail)
    async with serving() as rpc:
        for call in (rpc.generate(), rpc.own.Chat(engine_pb2.ChatRequest())):
            error = await failure(call)
            assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert error.details().startswith("[message] ") and "private" not in error.details()
    assert not [record for record in caplog.records if record.exc_info]
    is_odd = not issubclass(kind, ValueError | OverflowError | RecursionError)
    told = [r.attributes for r in caplog.records if r.__dict__.get("event") == "GRPC_HANDLER_ERROR"]
    assert [(each["kind"], each["place"][:18]) for each in told] == (
        [(kind.__name__, "test_parameters.py")] * 2 if is_odd else []
    )


async def test_a_defect_after_parsing_stays_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise KeyError("x")

    monkeypatch.setattr(LlamaService, "open_chat", fail)
    async with serving() as rpc:
        assert (await failure(rpc.generate())).code() is grpc.StatusCode.INTERNAL


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("response_format", {"type": "json_object"}),
        ("tools", [{"type": "function"}]),
        ("tool_choice", "required"),
        ("n", 2),
        ("logprobs", True),
        ("stream", False),
    ],
)
async def test_what_would_change_the_answer_and_cannot_is_refused(name: str, value: Any) -> None:
    async with serving() as rpc:
        error = await failure(rpc.generate(params=params({name: value})))
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert error.details().startswith(f"[{name}] this field is not supported; got ")
        neutral = (NOT_IN_THIS_CALL | UNSUPPORTED)[name]
        for strict in (False, True):
            rpc.service._settings = rpc.service.settings.model_copy(
                update={"strict_fields": strict}
            )
            for item in (*neutral, None):
                await read(rpc.generate(params=params({name: item})))


@pytest.mark.parametrize("name", ELSEWHERE)
async def test_what_the_request_has_a_field_for_belongs_there(name: str) -> None:
    fields = {field.name for field in REQUEST.DESCRIPTOR.fields}
    fields |= {f"params.{f.name}" for f in llama_pb2.GenerationParams.DESCRIPTOR.fields}
    assert ELSEWHERE[name] in fields
    async with serving() as rpc:
        error = await failure(rpc.generate(params=params({name: 5})))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error.details().startswith(f"[{name}] ")
    assert f"set the field {ELSEWHERE[name]} " in error.details()


async def test_what_has_no_effect_is_named_or_refused() -> None:
    values = {"z z": 1, "user": "u", "store": None, "min_p": 0.1}
    async with serving() as rpc:
        call = rpc.generate(params=params(values))
        await read(call)
        assert dict(await call.trailing_metadata())["x-ignored-fields"] == "user, z%20z"
        error = await failure(rpc.generate(params=params({"tools": [{}]})))
        assert error.details().startswith("[tools] this field is not supported")
        call = rpc.generate()
        await read(call)
        assert "x-ignored-fields" not in dict(await call.trailing_metadata())
    async with serving(strict_fields=True) as rpc:
        error = await failure(rpc.generate(params=params(values)))
        assert error.details() == "[engine_specific_params] unknown field; got 'z%20z'"
        await read(rpc.generate(params=params(dict.fromkeys(WITHOUT_EFFECT, "x"))))


async def test_an_empty_text_is_no_constraint_and_named() -> None:
    values = dict.fromkeys(EMPTY_IS_UNSET, "") | {"guided_json": None}
    async with serving() as rpc:
        call = rpc.generate(params=params(values))
        await read(call)
        names = ", ".join(sorted(EMPTY_IS_UNSET))
        assert dict(await call.trailing_metadata())["x-ignored-fields"] == names
        assert rpc.engine.requests[-1].grammar is None
        for name in ("guided_json", "format", "json_schema"):
            await read(rpc.generate(params=params({name: {}})))
            assert rpc.engine.requests[-1].grammar == Grammar("json_schema", "{}")


@pytest.mark.parametrize(
    ("values", "where"),
    [
        ({"guided_choice": []}, "guided_choice"),
        ({"guided_choice": ["a", 1]}, "guided_choice.1"),
        ({"structured_outputs": {}}, "structured_outputs"),
        ({"structured_outputs": {"choice": []}}, "structured_outputs.choice"),
        ({"guided_json": ""}, "guided_json"),
        ({"grammar": []}, "grammar"),
        ({"format": []}, "format"),
        ({"guided_regex": "x" * 70_000}, "guided_regex"),
        *(({name: "x"}, name) for name in NAMES_ELSEWHERE),
    ],
)
async def test_what_constrains_nothing_is_refused(values: dict[str, Any], where: str) -> None:
    async with serving() as rpc:
        error = await failure(rpc.generate(params=params(values)))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error.details().startswith(f"[{where}] ")


async def test_errors_of_grammars_name_the_parameter() -> None:
    engine = FakeEngine(fail=InvalidGrammar("wrong", where="grammar:1:2"))
    async with serving(lambda: engine) as rpc:
        for values, field in (
            ({"guided_grammar": "root"}, "guided_grammar"),
            ({"structured_outputs": {"grammar": "root"}}, "structured_outputs.grammar"),
        ):
            error = await failure(rpc.generate(params=params(values)))
            assert error.details() == f"[{field}:1:2] wrong"


async def test_whole_numbers_of_a_schema_are_integers() -> None:
    schema = {"enum": [1, -2, 2.5, 2.0**60]}
    async with serving() as rpc:
        await read(rpc.generate(params=params({"json_schema": schema})))
        (request,) = rpc.engine.requests
    assert request.grammar and request.grammar.text == '{"enum":[1,-2,2.5,1.152921504606847e+18]}'


async def test_reasoning_and_bounds_of_tokens_are_parameters() -> None:
    given = {
        "reasoning_effort": "none",
        "thinking_budget": 7,
        "chat_template_kwargs": {"tone": "calm"},
        "min_tokens": 2,
        "stop_token_ids": [5],
        "allowed_token_ids": [97, 98],
        "bad_words": ["kötü"],
        "repetition_limit": 64,
    }
    request = REQUEST(user_prompt="x", params=params(given))
    call, ignored = read_generate(request, None)
    assert not ignored
    assert (call.wishes.thinks, call.wishes.effort, call.wishes.thinking_budget) == (False, "", 7)
    assert call.template_arguments == {"tone": "calm"}
    assert (call.min_tokens, call.stop_tokens, call.bad_words) == (2, (5,), ("kötü",))
    assert (call.repetition_limit, call.sampling["allowed_tokens"]) == (64, (97, 98))
    call, _ = read_generate(
        REQUEST(user_prompt="x", params=params({"reasoning_effort": "low"})), None
    )
    assert (call.wishes.thinks, call.wishes.effort) == (True, "low")
    neutral = {"thinking_budget": -1, "chat_template_kwargs": "", "bad_words": [], "min_tokens": 0}
    call, _ = read_generate(REQUEST(user_prompt="x", params=params(neutral)), None)
    assert (call.wishes, call.bad_words, call.template_arguments) == (Wishes(), (), {})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("reasoning_effort", "huge"),
        ("reasoning_effort", 1),
        ("thinking_budget_tokens", -2),
        ("chat_template_kwargs", "x"),
        ("chat_template_kwargs", {str(number): 1 for number in range(65)}),
        ("min_tokens", True),
        ("stop_token_ids", "1"),
        ("stop_token_ids", [-1]),
        ("allowed_token_ids", [1] * 2000),
        ("bad_words", "x"),
        ("repetition_limit", -1),
    ],
)
async def test_their_limits(name: str, value: Any) -> None:
    async with serving() as rpc:
        error = await failure(rpc.generate(params=params({name: value})))
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert error.details().startswith(f"[{name}] ")
