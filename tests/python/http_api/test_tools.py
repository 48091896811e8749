# SPDX-License-Identifier: AGPL-3.0-only
"""Tools over HTTP: what is asked of the engine, what comes back, what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from http_client import Reply
from sentiric_llama import _host
from sentiric_llama.engine.fake import FakeEngine

TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}
OTHER = {"type": "function", "function": {"name": "now"}}
ASKED = [{"role": "user", "content": "Weather?"}]


def written(*calls: tuple[str, Any], before: str = "") -> str:
    """An answer in the format of models without one of their own."""
    objects = [json.dumps({"name": name, "arguments": given}) for name, given in calls]
    return before + "\n".join(f"<tool_call>\n{text}\n</tool_call>" for text in objects)


@pytest.fixture
def answering(start: Any) -> Any:
    """`answering(text)`: a server whose model writes this text."""
    return lambda text, **settings: start(lambda: FakeEngine(text), **settings)


def deltas(reply: Reply) -> list[dict[str, Any]]:
    return [event["choices"][0] for event in reply.events if event != "[DONE]"]


SEVERAL = "tool_choice.allowed_tools"


def several(mode: str, *names: str) -> dict[str, Any]:
    """A choice of several tools."""
    tools = [{"type": "function", "function": {"name": name}} for name in names]
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}}


def test_a_call_is_an_answer_of_its_own(answering: Any) -> None:
    server = answering(written(("get_weather", {"city": "Ankara"}), before="Let me look.\n"))
    choice = server.chat(ASKED, tools=[TOOL]).json["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] == "Let me look."
    (call,) = choice["message"]["tool_calls"]
    assert call["id"].startswith("call_") and call["type"] == "function"
    assert call["function"]["name"] == "get_weather"
    assert json.loads(call["function"]["arguments"]) == {"city": "Ankara"}


def test_an_answer_of_calls_alone_has_no_content(answering: Any) -> None:
    server = answering(written(("now", {}), ("get_weather", {})))
    message = server.chat(ASKED, tools=[TOOL, OTHER]).json["choices"][0]["message"]
    assert message["content"] is None
    assert [call["function"]["name"] for call in message["tool_calls"]] == ["now", "get_weather"]
    assert len({call["id"] for call in message["tool_calls"]}) == 2


def test_a_stream_has_the_same_calls_in_parts(answering: Any) -> None:
    server = answering(written(("now", {}), ("get_weather", {"city": "İzmir"}), before="Hm. "))
    choices = deltas(server.chat(ASKED, tools=[TOOL, OTHER], stream=True))
    assert "".join(c["delta"].get("content") or "" for c in choices) == "Hm."
    parts = [part for c in choices for part in c["delta"].get("tool_calls", ())]
    named = [part for part in parts if "id" in part]
    assert [(p["index"], p["function"]["name"]) for p in named] == [(0, "now"), (1, "get_weather")]
    arguments = [
        "".join(p["function"]["arguments"] for p in parts if p["index"] == i) for i in (0, 1)
    ]
    assert [json.loads(text) for text in arguments] == [{}, {"city": "İzmir"}]
    assert choices[-1]["finish_reason"] == "tool_calls"


def test_what_is_no_call_is_text_with_a_warning(answering: Any) -> None:
    server = answering('Look: <tool_call>\n{"name": "stranger", "arguments": {}}\n</tool_call>')
    choice = server.chat(ASKED, tools=[TOOL]).json["choices"][0]
    assert choice["message"]["content"].startswith("Look: <tool_call>") and choice["warnings"]
    assert choice["finish_reason"] == "stop"
    ending = deltas(server.chat(ASKED, tools=[TOOL], stream=True))[-1]
    assert ending["warnings"] == choice["warnings"]


def test_without_tools_the_same_text_is_text(answering: Any) -> None:
    text = written(("now", {}))
    assert answering(text).chat(ASKED).json["choices"][0]["message"]["content"] == text


@pytest.mark.parametrize(
    ("fields", "allowed", "refused"),
    [
        ({}, ["hi", "", "hi <tool_call>\n"], ["<tool_call>\n{}"]),
        ({"tool_choice": "none"}, ["hi"], ["<tool_call>"]),
        ({"tool_choice": "required"}, ["<tool_call>\n", written(("now", {}))], ["h"]),
        (
            {"tool_choice": {"type": "function", "function": {"name": "now"}}},
            [written(("now", {}))],
            [written(("get_weather", {}))],
        ),
        (
            {"tool_choice": several("auto", "now")},
            ["hi", written(("now", {}))],
            [written(("get_weather", {}))],
        ),
        (
            {"tool_choice": several("required", "now")},
            [written(("now", {}))],
            ["h", written(("get_weather", {}))],
        ),
        (
            {"tool_choice": several("required", "now", "get_weather")},
            [written(("now", {})), written(("get_weather", {}))],
            ["h"],
        ),
        (
            {"parallel_tool_calls": False},
            [written(("now", {}))],
            [written(("now", {}), ("now", {}))],
        ),
        ({"response_format": {"type": "json_object"}}, ["{", written(("now", {}))], ["h"]),
    ],
)
def test_what_the_engine_enforces(
    server: Any, fields: dict[str, Any], allowed: list[str], refused: list[str]
) -> None:
    from sentiric_llama.engine.grammar.grammar import Grammar

    assert server.chat(ASKED, tools=[TOOL, OTHER], **fields).status == 200
    grammar = Grammar.of(server.engine.requests[-1].grammar)
    assert all(map(grammar.is_prefix, allowed))
    assert not any(map(grammar.is_prefix, refused))


def test_the_prompt_has_also_tools_that_may_not_be_called(server: Any) -> None:
    prompts = []
    for choice in ("auto", several("auto", "now")):
        assert server.chat(ASKED, tools=[TOOL, OTHER], tool_choice=choice).status == 200
        prompts.append(server.engine.requests[-1].messages)
    assert prompts[0] == prompts[1]


def test_tools_of_other_kinds_are_left_out_of_a_choice(server: Any) -> None:
    choice = several("auto", "now")
    choice["allowed_tools"]["tools"].append({"type": "web_search"})
    tools = [TOOL, OTHER, {"type": "web_search"}]
    assert server.chat(ASKED, tools=tools, tool_choice=choice).status == 200


def test_the_tools_are_described_to_a_model_without_a_format(server: Any) -> None:
    messages = [{"role": "system", "content": "Be brief."}, *ASKED]
    assert server.chat(messages, tools=[TOOL]).status == 200
    first = server.engine.requests[-1].messages[0]
    assert first.content.startswith("Be brief.\n\n") and '"name": "get_weather"' in first.content


def test_calls_and_results_stand_in_the_conversation(server: Any) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "now", "arguments": "{}"}}
    messages = [
        *ASKED,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "12:00"},
    ]
    assert server.chat(messages, tools=[OTHER]).status == 200
    texts = [message.content for message in server.engine.requests[-1].messages]
    assert '{"name": "now", "arguments": {}}' in texts[-2] and "12:00" in texts[-1]


def test_unknown_kinds_are_left_out_and_named(server: Any) -> None:
    reply = server.chat(ASKED, tools=[{"type": "web_search", "x": 1}, TOOL, {"type": "mcp"}])
    assert reply.status == 200 and reply.headers["x-ignored-tools"] == "mcp, web_search"
    assert "x-ignored-fields" not in reply.headers


def test_a_schema_that_cannot_be_enforced_is_named_or_refused(server: Any) -> None:
    schema = {"type": "object", "properties": {"a": {"$ref": "http://elsewhere/schema"}}}
    tool = {"type": "function", "function": {"name": "odd", "parameters": schema}}
    reply = server.chat(ASKED, tools=[tool, TOOL])
    assert reply.status == 200 and reply.headers["x-unenforced-tools"] == "odd"
    strict = {"type": "function", "function": tool["function"] | {"strict": True}}
    reply = server.chat(ASKED, tools=[TOOL, strict])
    assert (reply.status, reply.error["param"]) == (400, "tools.1.function.parameters")


RESULT = {"role": "tool", "content": "x", "tool_call_id": "c1"}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": {}}, "tools"),
        ({"tools": [5]}, "tools.0"),
        ({"tools": [TOOL] * 257}, "tools"),
        ({"tools": [TOOL, TOOL]}, "tools.1.function.name"),
        ({"tools": [{"type": "function"}]}, "tools.0.function"),
        ({"tools": [{"type": "function", "function": {"name": ""}}]}, "tools.0.function.name"),
        (
            {"tools": [{"type": "function", "function": {"name": "f", "parameters": []}}]},
            "tools.0.function.parameters",
        ),
        ({"tools": [TOOL], "tool_choice": "always"}, "tool_choice"),
        ({"tool_choice": "required"}, "tool_choice"),
        (
            {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "f"}}},
            "tool_choice.function.name",
        ),
        ({"tools": [TOOL], "tool_choice": {"type": "mcp"}}, "tool_choice.type"),
        *(
            ({"tools": [TOOL], "tool_choice": {"type": "allowed_tools"} | fields}, param)
            for fields, param in (
                ({}, "tool_choice.allowed_tools"),
                ({"allowed_tools": []}, "tool_choice.allowed_tools"),
                ({"allowed_tools": {}}, "tool_choice.allowed_tools.tools"),
                (
                    {"allowed_tools": {"mode": "none", "tools": []}},
                    "tool_choice.allowed_tools.mode",
                ),
                ({"allowed_tools": {"tools": [5]}}, "tool_choice.allowed_tools.tools.0"),
                (
                    {"allowed_tools": {"tools": [{"type": "mcp"}, {"type": "function"}]}},
                    "tool_choice.allowed_tools.tools.1.function",
                ),
                (several("auto", "get_weather", "f"), f"{SEVERAL}.tools.1.function.name"),
                (several("required"), "tool_choice"),
            )
        ),
        ({"tool_choice": several("auto", "now")}, f"{SEVERAL}.tools.0.function.name"),
        ({"tools": [TOOL], "grammar": "root ::= [a]"}, "grammar"),
        ({"functions": [{"name": "f"}]}, "functions"),
        ({"function_call": {"name": "f"}}, "function_call"),
        ({"messages": [*ASKED, RESULT]}, "messages.1.tool_call_id"),
        ({"messages": [*ASKED, {"role": "tool", "content": "x"}]}, "messages.1.tool_call_id"),
        (
            {"messages": [{"role": "user", "content": "x", "tool_calls": [{"id": "1"}]}]},
            "messages.0.tool_calls.0.function",
        ),
    ],
)
def test_refused(server: Any, fields: dict[str, Any], param: str) -> None:
    before = len(server.engine.requests)
    reply = server.post("/v1/chat/completions", {"messages": ASKED} | fields)
    assert (reply.status, reply.error["param"]) == (400, param)
    assert reply.error["type"] == "invalid_request_error"
    assert len(server.engine.requests) == before


def test_all_tools_together_cost_what_one_schema_may(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[int] = []
    real = _host.check_structures

    def check(texts: list[str]) -> list[str]:
        checked.append(len(texts))
        return real(texts)

    monkeypatch.setattr(_host, "check_structures", check)
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": "[^a]{60000}"}}}
    tools = [
        {"type": "function", "function": {"name": f"f{i}", "parameters": schema}} for i in range(64)
    ]
    for _ in range(2):
        reply = server.chat(ASKED, tools=tools)
        assert reply.status == 200 and reply.headers["x-unenforced-tools"].endswith("...")
    assert checked == [64], "once for all tools, and remembered"
    for body in ({"tool_choice": "none"}, {"messages": []}, {"stop": ["x"] * 9}):
        server.post("/v1/chat/completions", {"messages": ASKED, "tools": tools[:9]} | body)
    path = "/v1/chat/completions/input_tokens"
    assert server.post(path, {"messages": ASKED, "tools": tools[:9]}).status == 200
    assert checked == [64], "not where nothing is called"


WEATHER = {"city": "Ankara", "days": 3}


@pytest.mark.parametrize("stop", ["kara", "days", '"arguments"'])
def test_a_stop_string_inside_a_call_ends_nothing(answering: Any, stop: str) -> None:
    server = answering(written(("get_weather", WEATHER)))
    choice = server.chat(ASKED, tools=[TOOL], stop=[stop]).json["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    given = choice["message"]["tool_calls"][0]["function"]["arguments"]
    assert json.loads(given) == WEATHER
    last = deltas(server.chat(ASKED, tools=[TOOL], stop=[stop], stream=True))[-1]
    assert last["finish_reason"] == "tool_calls"
    body = {"model": "fake-model", "max_tokens": 200, "stop_sequences": [stop]}
    body |= {"messages": ASKED, "tools": [{"name": "get_weather", "input_schema": {}}]}
    assert server.post("/v1/messages", body).json["stop_reason"] == "tool_use"
    tool = {"type": "function", "name": "get_weather", "parameters": {"type": "object"}}
    reply = server.post("/v1/responses", {"input": "?", "tools": [tool], "stop": [stop]})
    assert reply.json["status"] == "completed"
    assert json.loads(reply.json["output"][0]["arguments"]) == WEATHER


def test_a_stop_string_before_a_call_ends_the_answer(answering: Any) -> None:
    server = answering("First the weather. " + written(("get_weather", WEATHER)))
    choice = server.chat(ASKED, tools=[TOOL], stop=["weather."]).json["choices"][0]
    assert (choice["finish_reason"], choice["message"]["content"]) == ("stop", "First the ")


def test_a_whole_call_before_a_stop_string_is_made(answering: Any) -> None:
    server = answering(written(("get_weather", WEATHER)) + "\nObservation: sunny")
    choice = server.chat(ASKED, tools=[TOOL], stop=["Observation:"]).json["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    given = choice["message"]["tool_calls"][0]["function"]["arguments"]
    assert json.loads(given) == WEATHER


@pytest.mark.parametrize("tools", [[], [TOOL]])
@pytest.mark.parametrize("stream", [False, True])
def test_tools_let_no_control_characters_through(
    answering: Any, tools: list[Any], stream: bool
) -> None:
    server = answering("a\x1b[31mb\x07c\x7f\td")
    reply = server.chat(ASKED, tools=tools, stream=stream)
    if stream:
        text = "".join(c["delta"].get("content") or "" for c in deltas(reply))
    else:
        text = reply.json["choices"][0]["message"]["content"]
    assert text == "a[31mbc\td"


def test_tokens_are_counted_for_every_tool_that_a_call_accepts(server: Any) -> None:
    schema = {"type": "array"}
    tool = {"type": "function", "function": {"name": "now", "parameters": schema}}
    body = {"messages": ASKED, "tools": [tool]}
    assert server.post("/v1/chat/completions", body).headers["x-unenforced-tools"] == "now"
    for path, more in (
        ("/v1/chat/completions/input_tokens", body),
        (
            "/v1/messages/count_tokens",
            {"messages": ASKED, "tools": [{"name": "now", "input_schema": schema}]},
        ),
        (
            "/v1/responses/input_tokens",
            {"input": "?", "tools": [{"type": "function", "name": "now", "parameters": schema}]},
        ),
    ):
        reply = server.post(path, {"model": "fake-model", **more})
        assert reply.status == 200 and reply.json["input_tokens"] > 0, reply.body


SEARCH = {"type": "web_search"}
UNENFORCEABLE = {"type": "object", "properties": {"x": {"type": "string", "pattern": "(?=a)"}}}


def strict_tool(name: str, **more: Any) -> dict[str, Any]:
    function = {"name": name, "parameters": UNENFORCEABLE, "strict": True}
    return {"type": "function", "function": function | more}


@pytest.mark.parametrize(
    ("tools", "place"),
    [
        ([SEARCH, {"type": "function", "function": {"name": ""}}], "tools.1.function.name"),
        ([SEARCH, OTHER, SEARCH, OTHER], "tools.3.function.name"),
        ([SEARCH, {"type": "function", "function": 1}], "tools.1.function"),
        ([SEARCH, strict_tool("f")], "tools.1.function.parameters"),
    ],
)
def test_errors_name_tools_by_their_places_among_all(
    server: Any, tools: list[Any], place: str
) -> None:
    reply = server.post("/v1/chat/completions", {"messages": ASKED, "tools": tools})
    assert (reply.status, reply.error["param"]) == (400, place)
    assert reply.error["message"].startswith(f"[{place}")


@pytest.mark.parametrize(
    ("path", "body", "place"),
    [
        (
            "/v1/chat/completions",
            {"messages": ASKED, "tools": [strict_tool("f")]},
            "tools.0.function.parameters",
        ),
        (
            "/v1/messages",
            {
                "messages": ASKED,
                "tools": [{"name": "f", "strict": True, "input_schema": UNENFORCEABLE}],
            },
            "tools.0.input_schema",
        ),
        (
            "/v1/responses",
            {
                "input": "?",
                "tools": [
                    SEARCH,
                    {"type": "function", "name": "f", "strict": True, "parameters": UNENFORCEABLE},
                ],
            },
            "tools.1.parameters",
        ),
    ],
)
def test_a_schema_that_cannot_be_enforced_is_named_by_its_own_place(
    server: Any, path: str, body: dict[str, Any], place: str
) -> None:
    message = server.post(path, body).error["message"]
    assert message.startswith(f"[{place}:/properties/x/pattern] cannot be enforced: ")
    assert "structure" not in message


@pytest.mark.parametrize("schema", [True, False, "{}", [], 1])
@pytest.mark.parametrize(
    ("path", "tool", "where"),
    [
        ("chat/completions", {"type": "function", "function": {}}, "function.parameters"),
        ("responses", {"type": "function"}, "parameters"),
        ("messages", {}, "input_schema"),
    ],
)
def test_parameters_are_an_object(
    server: Any, path: str, tool: dict[str, Any], where: str, schema: Any
) -> None:
    fields = {"name": "f", where.rpartition(".")[2]: schema}
    tool = tool | ({"function": fields} if "function" in tool else fields)
    messages = [{"role": "user", "content": "a"}]
    body: dict[str, Any] = {"messages": messages, "tools": [tool], "max_tokens": 1}
    if path == "responses":
        body = {"input": "a", "tools": [tool]}
    reply = server.post(f"/v1/{path}", body)
    assert reply.status == 400
    message = reply.json["error"]["message"]
    assert f"tools.0.{where}" in message + str(reply.json["error"].get("param"))
    assert message.endswith("allowed an object with a JSON schema")


@pytest.mark.parametrize("name", ["ş" * 129, "x" * 257])
def test_names_are_bounded_by_their_bytes(server: Any, name: str) -> None:
    for messages, place in (
        ([{"role": "user", "name": name, "content": "a"}], "messages.0.name"),
        (
            [
                {
                    "role": "assistant",
                    "tool_calls": [{"id": name, "function": {"name": "f", "arguments": "{}"}}],
                }
            ],
            "messages.0.tool_calls.0.id",
        ),
    ):
        reply = server.post("/v1/chat/completions", {"messages": messages})
        assert (reply.status, reply.error["param"]) == (400, place)
        assert "256 bytes" in reply.error["message"]
