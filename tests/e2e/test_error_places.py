# SPDX-License-Identifier: AGPL-3.0-only
"""Refusals of the native engine name a field as its caller wrote it, behind messages that were
joined, added or split.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import grpc
import pytest

import models
from sentiric_llama.rpc.generated import engine_pb2 as pb
from sentiric_llama.rpc.generated import engine_pb2_grpc
from server_process import ServerProcess

MANY = json.dumps({"a": [0] * 40_000})
"""The engine takes one of these in a conversation, and not two."""
WHAT = "too many JSON values in the conversation; allowed 65536"
USER = {"role": "user", "content": "u"}
TOOLS = [{"type": "function", "function": {"name": "f"}}]


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    """A system message is added to conversations that have none."""
    path = models.model("qwen2-q8_0")
    server = ServerProcess(path, contexts=2, context_size=512, default_system_prompt="Be brief.")
    yield server.wait_ready()
    server.close()


def calls(*arguments: str) -> dict[str, Any]:
    made = [
        {"id": f"c{i}", "type": "function", "function": {"name": "f", "arguments": text}}
        for i, text in enumerate(arguments)
    ]
    return {"role": "assistant", "content": "", "tool_calls": made}


def result(call: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call, "content": "r"}


SYSTEMS = [{"role": "system", "content": "a"}, {"role": "developer", "content": "b"}]
ENDS = (USER, calls("{}", MANY), result("c1"), USER, calls("{}", MANY), result("c1"))
HEADS: tuple[list[dict[str, Any]], ...] = ([], SYSTEMS[:1], SYSTEMS)


@pytest.mark.parametrize("path", ["", "/render", "/input_tokens"])
@pytest.mark.parametrize("tools", [[], TOOLS])
@pytest.mark.parametrize("head", HEADS)
def test_chat(server: ServerProcess, head: list[Any], tools: list[Any], path: str) -> None:
    body = {"messages": [*head, *ENDS], "tools": tools}
    refused = server.post(f"/v1/chat/completions{path}", body)
    place = f"messages.{len(head) + 4}.tool_calls.1.function.arguments"
    assert refused.status == 400, refused.body
    assert refused.error["message"] == f"[{place}] {WHAT}" and refused.error["param"] == place


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("instructions", ["", "Be kind."])
def test_responses(server: ServerProcess, instructions: str, stream: bool) -> None:
    def call(name: str, arguments: str) -> dict[str, Any]:
        return {"type": "function_call", "call_id": name, "name": "f", "arguments": arguments}

    items = [
        {"role": "developer", "content": "d"},
        {"role": "user", "content": "u"},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "t"}]},
        {"role": "assistant", "content": "x"},
        call("a", MANY),
        {"type": "function_call_output", "call_id": "a", "output": "r"},
        {"type": "reasoning", "summary": []},
        call("b", "{}"),
        call("c", MANY),
        {"type": "function_call_output", "call_id": "b", "output": "r"},
    ]
    body = {"instructions": instructions, "input": items, "stream": stream}
    refused = server.post("/v1/responses", body)
    assert refused.status == 400, refused.body
    assert refused.error["message"] == f"[input.8.arguments] {WHAT}"
    assert refused.error["param"] == "input.8.arguments"


def test_chat_over_grpc(server: ServerProcess) -> None:
    def message(role: str, **fields: Any) -> pb.ChatMessage:
        return pb.ChatMessage(role=role, **fields)

    messages = [
        message("system", content="a"),
        message("system", content="b"),
        message("user", content="u"),
        message("user", content="v", name="ş" * 200),
    ]
    with grpc.insecure_channel(server.grpc_address) as channel:
        stub = engine_pb2_grpc.EngineServiceStub(channel)
        with pytest.raises(grpc.RpcError) as caught:
            list(stub.Chat(pb.ChatRequest(messages=messages)))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.details().startswith("[messages.3.name] out of range; got 400 bytes")
