# SPDX-License-Identifier: AGPL-3.0-only
"""Bodies are models: what has no effect is named, what cannot be done is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from sentiric_llama.errors import InvalidArgument
from sentiric_llama.http.app import api_routes
from sentiric_llama.http.openai import parse_chat
from sentiric_llama.http.openapi import openapi
from sentiric_llama.http.operations import OPERATIONS
from sentiric_llama.http.schemas import grammar
from sentiric_llama.http.schemas.body import Body
from sentiric_llama.http.schemas.chat import ChatBody
from sentiric_llama.http.schemas.sampling import SamplingFields
from sentiric_llama.service import grammar_fields
from sentiric_llama.service.chat_call import ROLES
from sentiric_llama.types import Grammar
from sentiric_llama.types.ranges import SAMPLING_ALIASES, SAMPLING_RANGES

BODIES = {path: operation.body for (_, path), operation in OPERATIONS.items() if operation.body}
DOCUMENT = Path(__file__).parents[3] / "docs" / "openapi.json"


def ignored(reply: Any) -> str | None:
    return reply.headers.get("x-ignored-fields")


@pytest.mark.parametrize("stream", [False, True])
def test_fields_without_effect_are_named(server: Any, stream: bool) -> None:
    reply = server.chat(stream=stream, zeta=1, user="u", store=None, temperature=1)
    assert (reply.status, ignored(reply)) == (200, "user, zeta")
    assert ignored(server.chat(stream=stream)) is None


def test_a_list_that_is_cut_says_so(server: Any) -> None:
    for count, rest in ((16, ""), (17, ", ..."), (3000, ", ...")):
        reply = server.chat(**{f"f{i:04}": 1 for i in range(count)})
        assert ignored(reply) == ", ".join(f"f{i:04}" for i in range(16)) + rest


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("top k", "top%20k"),
        ("ş", "%C5%9F"),
        ("a\r\nx-evil: 1", "a%0D%0Ax-evil%3A%201"),
        ("a, b", "a%2C%20b"),
        ("50%", "50%25"),
        ("", ""),
        ("x" * 64, "x" * 64),
        ("x" * 65, "x" * 64 + "..."),
        ("x" * 2_000_000, "x" * 64 + "..."),
        ("ş" * 100, "%C5%9F" * 10 + "%C5..."),
    ],
    ids=lambda value: value[:8],
)
def test_every_name_is_shown_escaped_and_short(server: Any, name: str, shown: str) -> None:
    reply = server.chat(**{name: 1, "zeta": 1})
    assert reply.status == 200 and "x-evil" not in reply.headers
    assert ignored(reply) == f"{shown}, zeta"


NESTED = {
    "messages": [
        {"role": "user", "content": "a"},
        {"role": "user", "name": "n", "content": [{"type": "text", "text": "b", "image": 1}]},
        {"role": "assistant", "content": "c", "refusal": None, "z z": 1},
    ],
    "stream_options": {"zz": 1},
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "n", "schema": {"type": "object", "zz": 1}, "zz": 1},
        "zz": None,
    },
}
UNKNOWN = [
    "messages.1.content.0.image",
    "messages.2.z%20z",
    "response_format.json_schema.zz",
    "stream_options.zz",
]


def test_nested_fields_are_named_by_path(server: Any, strict: Any) -> None:
    reply = server.post("/v1/chat/completions", NESTED)
    assert (reply.status, ignored(reply)) == (200, ", ".join(UNKNOWN))
    refused = strict.post("/v1/chat/completions", NESTED)
    assert refused.status == 400 and f"got {UNKNOWN[0]!r}" in refused.error["message"]
    many = [{"role": "user", "content": "a", "zz": 1}] * 2048
    assert ignored(server.chat(many)).endswith(", ...")


def models_in(annotation: Any) -> set[type[Body]]:
    if isinstance(annotation, type) and issubclass(annotation, Body):
        return {annotation}
    return {kind for inner in get_args(annotation) for kind in models_in(inner)}


def test_no_nested_model_is_forgotten() -> None:
    waiting, seen = [*BODIES.values()], set()
    while waiting:
        kind = waiting.pop()
        seen.add(kind)
        for name, info in kind.model_fields.items():
            for inner in models_in(info.annotation):
                assert kind.nested[name] is inner, (kind, name)
        waiting += [inner for inner in kind.nested.values() if inner not in seen]
    assert len(seen) > len({*BODIES.values()})


@pytest.mark.parametrize(
    ("form", "param"),
    [
        ({"type": "json_object", "json_schema": {"schema": {}}}, "json_schema"),
        ({"type": "text", "schema": {"type": "object"}}, "schema"),
        ({"type": "text", "schema": {}}, "schema"),
        ({"type": "text", "json_schema": {"schema": {}}}, "json_schema"),
        ({"type": "json_schema", "json_schema": {"schema": {}}, "schema": {}}, "schema"),
        ({"type": "text", "schema": None, "json_schema": None}, None),
        ({"type": "json_object", "schema": {"type": "object"}}, None),
    ],
)
def test_no_schema_is_dropped(server: Any, form: Any, param: str | None) -> None:
    reply = server.chat(response_format=form)
    assert reply.status == (400 if param else 200)
    if param:
        assert reply.error["param"] == f"response_format.{param}"


@pytest.mark.parametrize(
    ("fields", "kind", "text"),
    [
        ({"guided_json": {"type": "null"}}, "json_schema", '{"type":"null"}'),
        ({"guided_json": '{"type": "null"}'}, "json_schema", '{"type": "null"}'),
        ({"guided_regex": "a+"}, "regex", "a+"),
        ({"guided_choice": ["evet", "hayır"]}, "choice", '["evet", "hayır"]'),
        ({"guided_grammar": "root ::= [a]"}, "gbnf", "root ::= [a]"),
        ({"format": "json"}, "json_object", ""),
        ({"format": {"type": "null"}}, "json_schema", '{"type":"null"}'),
        ({"structured_outputs": {"regex": "a+"}}, "regex", "a+"),
        ({"structured_outputs": {"json_object": True}}, "json_object", ""),
        ({"structured_outputs": {"choice": ["a"], "regex": None}}, "choice", '["a"]'),
        ({"guided_json": {}}, "json_schema", "{}"),
        ({"format": {}}, "json_schema", "{}"),
        ({"json_schema": {}}, "json_schema", "{}"),
        ({"structured_outputs": {"json": {}}}, "json_schema", "{}"),
        ({"structured_outputs": {"regex": "", "choice": ["a"]}}, "choice", '["a"]'),
        ({"format": "", "grammar": "", "guided_grammar": "", "guided_regex": ""}, None, ""),
        (dict.fromkeys(grammar_fields.GRAMMAR_FIELDS), None, ""),
    ],
)
def test_names_of_other_servers_constrain_the_answer(
    fields: dict[str, Any], kind: str | None, text: str
) -> None:
    body = ChatBody.parse({"messages": [{"role": "user", "content": "a"}]} | fields)
    grammar = body.wanted.grammar
    assert (grammar.kind if grammar else None, grammar.text if grammar else "") == (kind, text)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"format": "xml"}, "format"),
        ({"guided_choice": ["a"], "grammar": "root ::= [a]"}, "guided_choice"),
        ({"guided_choice": [1]}, "guided_choice.0"),
        ({"guided_choice": []}, "guided_choice"),
        ({"guided_json": ""}, "guided_json"),
        ({"json_schema": ""}, "json_schema"),
        ({"structured_outputs": {}}, "structured_outputs"),
        ({"structured_outputs": {"regex": "", "json": None}}, "structured_outputs"),
        ({"structured_outputs": {"json_object": False}}, "structured_outputs"),
        ({"structured_outputs": {"choice": []}}, "structured_outputs.choice"),
        ({"structured_outputs": {"choice": ["a", 1]}}, "structured_outputs.choice.1"),
        ({"structured_outputs": {"json": ""}}, "structured_outputs.json"),
        ({"choices": ["a"]}, "choices"),
        ({"json_object": True}, "json_object"),
        ({"structured_outputs": {"regex": "a", "choice": ["a"]}}, "structured_outputs.choice"),
        ({"structured_outputs": {"structural_tag": "x"}}, "structured_outputs.structural_tag"),
        (
            {"structured_outputs": {"whitespace_pattern": " "}},
            "structured_outputs.whitespace_pattern",
        ),
        ({"response_format": {"type": "json_object"}, "format": "json"}, "response_format"),
    ],
)
def test_what_cannot_be_meant_is_refused(server: Any, fields: dict[str, Any], param: str) -> None:
    reply = server.chat(**fields)
    assert (reply.status, reply.error["param"].removesuffix(".str")) == (400, param)


def test_an_empty_text_is_unset_and_named(server: Any, strict: Any) -> None:
    fields = dict.fromkeys(grammar_fields.EMPTY_IS_UNSET, "")
    names = ", ".join(sorted(fields))
    reply = server.chat(**fields)
    assert (reply.status, ignored(reply)) == (200, names)
    assert server.engine.requests[-1].grammar is None
    reply = server.chat(**fields, guided_choice=["a"])
    assert (reply.status, ignored(reply)) == (200, names)
    assert server.engine.requests[-1].grammar == Grammar("choice", '["a"]')
    body = {"messages": [{"role": "user", "content": "a"}]} | fields
    assert strict.post("/v1/chat/completions", body).status == 200


def test_a_name_of_another_interface_is_told_ours(server: Any, strict: Any) -> None:
    for name, ours in grammar_fields.NAMES_ELSEWHERE.items():
        body = {"messages": [{"role": "user", "content": "a"}], name: ["a"]}
        for each in (server, strict):
            error = each.post("/v1/chat/completions", body).error
            assert error["param"] == name
            assert error["message"] == f"[{name}] unknown field; did you mean {ours}?"
        for nothing in (None, False, ""):
            assert server.chat(**{name: nothing}).status == 200
        assert ours.partition(":")[0] in grammar_fields.GRAMMAR_FIELDS


def test_words_are_shown_and_other_texts_are_not(server: Any) -> None:
    for text, shown in (("xml", "'xml'"), ("kind 7", "a string of 6 characters")):
        error = server.chat(response_format={"type": text}).error
        assert error["message"].startswith(f"[response_format.type] got {shown}, allowed text | ")


def test_other_bodies_name_them_too(server: Any) -> None:
    for path, body in (("/tokenize", {"content": "a"}), ("/detokenize", {"tokens": [97]})):
        reply = server.post(path, json.dumps(body | {"model": "x"}).encode())
        assert (reply.status, ignored(reply)) == (200, "model")


@pytest.mark.parametrize(
    ("name", "value", "neutral"),
    [
        ("modalities", ["text", "audio"], ["text"]),
        ("function_call", {"name": "f"}, "none"),
        ("function_call", "required", "auto"),
    ],
)
def test_what_would_change_the_answer_and_cannot_is_refused(
    server: Any, name: str, value: Any, neutral: Any
) -> None:
    reply = server.chat(**{name: value})
    assert (reply.status, reply.error["param"]) == (400, name)
    assert "not supported; got " in reply.error["message"]
    assert f"{json.dumps(neutral)}" in reply.error["message"].partition("allowed ")[2]
    assert server.chat(**{name: neutral}).status == server.chat(**{name: None}).status == 200


def test_a_wrong_type_is_not_called_out_of_range(server: Any) -> None:
    for fields in (
        *({"stream": "yes"}, {"model": 5}, {"grammar": []}, {"json_schema": True}),
        *({"stop": 5}, {"stop": [5]}, {"stop": {"a": 1}}, {"dry_sequence_breakers": "a"}),
        *({"logit_bias": "a"}, {"logit_bias": [1]}, {"logit_bias": True}),
    ):
        assert "out of range" not in server.chat(**fields).error["message"]


def test_the_models_have_what_the_engine_has() -> None:
    names = {*SAMPLING_RANGES, *SAMPLING_ALIASES, "dry_sequence_breakers", "logit_bias"}
    assert SamplingFields.model_fields.keys() == names - {"top_logprobs"}
    role = ChatBody.model_json_schema()["$defs"]["ChatMessage"]["properties"]["role"]
    assert tuple(role["enum"]) == ROLES
    for kind in {*BODIES.values()}:
        assert issubclass(kind, Body) and not kind.without_effect & kind.model_fields.keys()


def test_the_written_document_is_what_the_server_says(server: Any) -> None:
    """Else: make reference."""
    written = json.loads(DOCUMENT.read_text("utf-8"))
    assert written == openapi(api_routes())
    told = server.get("/openapi.json").json
    assert told == written
    chat = told["components"]["schemas"]["ChatBody"]["properties"]
    limits = {"type": "number", "minimum": 0, "maximum": 2}
    assert chat["temperature"].pop("description")
    assert chat["temperature"] == {"anyOf": [limits, {"type": "null"}]}
    assert {"/v1/chat/completions", "/tokenize", "/v1/models/{name}"} <= told["paths"].keys()


def test_every_post_of_the_api_has_a_model() -> None:
    posts = {route.path for route in api_routes() if "POST" in (route.methods or ())}
    refused = {path for (_, path), operation in OPERATIONS.items() if not operation.succeeds}
    assert posts - refused == BODIES.keys()


KEY = {"X-Api-Key": "admin"}


@pytest.fixture(scope="module")
def operator(start_shared: Any) -> Any:
    return start_shared(admin_key="admin")


@pytest.fixture(scope="module")
def strict(start_shared: Any) -> Any:
    return start_shared(admin_key="admin", strict_fields=True)


REQUIRED = {
    "/v1/chat/completions": {"messages": [{"role": "user", "content": "a"}]},
    "/chat/completions": {"messages": [{"role": "user", "content": "a"}]},
    "/v1/chat/completions/input_tokens": {"messages": [{"role": "user", "content": "a"}]},
    "/v1/chat/completions/render": {"messages": [{"role": "user", "content": "a"}]},
    "/v1/messages": {"messages": [{"role": "user", "content": "a"}]},
    "/v1/messages/count_tokens": {"messages": [{"role": "user", "content": "a"}]},
    "/v1/messages/render": {"messages": [{"role": "user", "content": "a"}]},
    "/v1/responses": {"input": "a"},
    "/v1/responses/input_tokens": {"input": "a"},
    "/v1/responses/render": {"input": "a"},
    "/v1/completions": {"prompt": "a"},
    "/v1/embeddings": {"input": "a"},
    "/tokenize": {"content": "a"},
    "/detokenize": {"tokens": [97]},
    "/v1/models/switch": {"profile": "none of this name"},
    "/v1/hardware/config": {},
}
"""Path -> its required fields."""


def test_the_table_of_required_fields_is_complete() -> None:
    assert REQUIRED.keys() == BODIES.keys()
    for path, fields in REQUIRED.items():
        schema = BODIES[path].model_json_schema(by_alias=True)
        assert set(schema.get("required", ())) == fields.keys(), path


@pytest.mark.parametrize("path", REQUIRED)
def test_an_absent_field_is_no_empty_one(operator: Any, path: str) -> None:
    for name in REQUIRED[path]:
        others = {key: value for key, value in REQUIRED[path].items() if key != name}
        for body in (others, others | {name: None}, others | {"text": "a"}):
            reply = operator.post(path, body, KEY)
            assert (reply.status, reply.error.get("param", name)) == (400, name)
            assert f"[{name}]" in reply.error["message"] and "required" in reply.error["message"]


@pytest.mark.parametrize(
    ("message", "status"),
    [
        ({"role": "user", "text": "a"}, 400),
        ({"role": "assistant"}, 400),
        ({"role": "user", "content": None}, 200),
        ({"role": "user", "content": ""}, 200),
    ],
)
def test_a_message_needs_its_content(server: Any, message: Any, status: int) -> None:
    reply = server.chat([message])
    assert reply.status == status
    if status == 400:
        assert reply.error["param"] == "messages.0.content"


@pytest.mark.parametrize("path", REQUIRED)
def test_unknown_fields_are_named_or_refused_on_every_route(
    operator: Any, strict: Any, path: str
) -> None:
    body = REQUIRED[path] | {"zeta": 1}
    if path != "/v1/models/switch":  # which has no profile to load
        reply = operator.post(path, body, KEY)
        assert (reply.status, ignored(reply)) == (200, "zeta")
    reply = strict.post(path, body, KEY)
    assert reply.status == 400 and "unknown field; got 'zeta'" in reply.error["message"]


def test_a_schema_is_serialized_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def dumps(*args: Any, **options: Any) -> str:
        calls.append(args)
        return json.JSONEncoder(**options).encode(*args)

    monkeypatch.setattr(grammar_fields.json, "dumps", dumps)
    schema = {"type": "object"}
    for fields in (
        {"json_schema": schema},
        {"response_format": {"type": "json_object", "schema": schema}},
        {"response_format": {"type": "json_schema", "json_schema": {"schema": schema}}},
    ):
        calls.clear()
        parsed = parse_chat({"messages": [{"role": "user", "content": "a"}], **fields})
        assert parsed.call.grammar == Grammar("json_schema", '{"type":"object"}')
        assert parsed.call.grammar_field == next(iter(fields)) and len(calls) == 1


@pytest.mark.parametrize(
    "schema",
    [
        {"description": "x" * 2**20},
        {"enum": list(range(600_000))},
        {"enum": [[]] * 500_000},
        {"enum": [10**100] * 16_000},
        {f"key{i}": 1 for i in range(160_000)},
    ],
    ids=["text", "numbers", "lists", "digits", "keys"],
)
def test_a_schema_that_is_too_long_is_not_serialized(
    schema: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Any] = []
    monkeypatch.setattr(grammar_fields.json, "dumps", lambda *args, **_: calls.append(args))
    for fields in ({"json_schema": schema}, {"response_format": {
        "type": "json_object", "schema": schema}}):  # fmt: skip
        with pytest.raises(InvalidArgument, match="too long") as caught:
            parse_chat({"messages": [{"role": "user", "content": "a"}], **fields})
        assert caught.value.where == next(iter(fields)) and not calls


@pytest.mark.parametrize(
    "value",
    [{}, [], "", "x", 0, 7, 8, 99, -8, 10**50, 1.5, True, None, {"a": [1, {"b": ["ş", 255]}]}],
    ids=str,
)
def test_the_count_of_a_schema_is_never_too_high(value: Any) -> None:
    length = len(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    assert grammar.is_within(value, length)
