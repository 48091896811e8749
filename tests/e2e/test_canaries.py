# SPDX-License-Identifier: AGPL-3.0-only
"""Markers in everything that callers send: none of them comes out in the log, at DEBUG either."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from http_client import request
from sentiric_llama.rpc.generated import engine_pb2, engine_pb2_grpc, llama_pb2, llama_pb2_grpc

MARK = "kanarya"
FIELDS = (
    *("messages", "model", "system_prompt", "rag_context", "lora_adapter", "temperature", "top_k"),
    *("top_p", "min_p", "max_tokens", "max_completion_tokens", "stop", "grammar", "json_schema"),
    *("response_format", "ignore_eos", "truncation", "priority", "n", "stream", "stream_options"),
    *("logprobs", "top_logprobs", "logit_bias", "seed", "tools", "tool_choice", "functions"),
    *("modalities", "user", "metadata", "dry_sequence_breakers", "kanarya_field", "mirostat"),
)


class Marks:
    """A new marker each time, so that a line tells which one got through."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> str:
        self.count += 1
        return f"{MARK}{self.count:04d}x"


def chats(mark: Marks) -> Iterator[dict[str, Any]]:
    """Bodies of chat requests, right and wrong ones."""
    good = {"messages": [{"role": "user", "content": mark()}], "max_tokens": 1}
    yield good
    for name in FIELDS:
        yield good | {name: mark()}
        yield good | {name: [mark()]}
        yield good | {name: {mark(): mark()}}
    yield {"messages": [{"role": mark(), "content": mark()}]}
    yield {"messages": [{"role": "user", "content": [{"type": mark(), "text": mark()}]}]}
    yield {"messages": [{"role": "user", "content": mark(), "tool_calls": [mark()]}]}
    yield {"messages": [mark(), {mark(): mark()}]}
    tool = {"type": "function", "function": {"name": mark(), "parameters": {mark(): mark()}}}
    yield good | {"tools": [tool]}
    for grammar in (
        'root ::= "{0}', "root ::= {0}", 'root ::= "{0}" [', "{0} ::= {0}", 'root ::= ("{0}"',
        'root ::= "{0}"{{9999999}}', "root ::= [{0}-", 'root ::= "{0}" | {0}',
    ):  # fmt: skip
        yield good | {"grammar": grammar.format(mark())}
    for schema in (
        {"type": mark()},
        {"type": "string", "pattern": f"({mark()}"},
        {"type": "string", "pattern": f"^{mark()}(?=x)$"},
        {"$ref": f"#/$defs/{mark()}"},
        {"$ref": f"https://{mark()}.example/{mark()}"},
        {"properties": {mark(): {"type": mark()}}, "required": [mark()]},
        {"type": "object", "properties": {mark(): {"pattern": f"[{mark()}"}}},
        {"enum": [mark()], mark(): mark()},
        {"type": "string", "format": mark(), "minLength": mark()},
    ):
        yield good | {"json_schema": schema}
        wrapped = {"name": mark(), "schema": schema}
        yield good | {"response_format": {"type": "json_schema", "json_schema": wrapped}}
    for name in (
        "../{0}",
        "{0}\u0000",
        "{0}/{0}",
        "/srv/{0}.gguf",
        "{0}",
        "{0}\x1b[2J",
        "{0}.gguf",
    ):
        yield good | {"lora_adapter": name.format(mark())}
        yield good | {"model": name.format(mark())}


def over_http(port: int, mark: Marks) -> None:
    """Bodies, paths, headers, methods; statuses do not matter."""
    for body in chats(mark):
        request(port, "POST", "/v1/chat/completions", body)
        request(port, "POST", "/v1/chat/completions", body | {"stream": True})
    for path in ("/tokenize", "/detokenize", "/v1/models/switch", "/v1/hardware/config"):
        for value in (mark(), [mark()], {mark(): mark()}):
            for body in (value, {"content": value}, {"tokens": value}, {"profile": value}):
                request(port, "POST", path, body)
        request(port, "POST", path, mark().encode())
    for path in (
        "/{0}", "/v1/models/{0}", "/v1/models/{0}%0a{0}", "/v1/{0}?{0}={0}", "/static/{0}",
        "/%1b%5b2J{0}", "/v1/chat/completions/{0}", "/v1/chat/completions?{0}",
    ):  # fmt: skip
        for method in ("GET", "POST", "DELETE", "OPTIONS"):
            request(port, method, path.format(mark()), {} if method == "POST" else None)
    for name in ("authorization", "x-api-key", "cookie", "user-agent", "referer", "origin",
                 "content-type", "x-forwarded-for", "traceparent", "x-kanarya", "accept",
                 "content-encoding", "host"):  # fmt: skip
        for value in (mark(), f"Bearer {mark()}"):
            headers = {name: value}
            request(port, "POST", "/v1/chat/completions", {"messages": []}, headers)
    for name in ("x-request-id", "x-trace-id", "x-span-id", "x-tenant-id"):
        headers = {name: f"{mark()} {mark()}"}  # no id: what is one is logged, that is its use
        request(port, "POST", "/v1/chat/completions", {"messages": []}, headers)
    for raw in (
        f"{mark()} / HTTP/1.1\r\nHost: x\r\n\r\n",
        f"GET /{mark()} {mark()}/1.1\r\n\r\n",
        f"GET / HTTP/1.1\r\n{mark()}\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: {mark()}\r\n\r\n",
        f"POST /tokenize HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: {mark()}\r\n\r\n{mark()}",
        f"POST /tokenize HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\n{mark()}",
    ):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as peer:
            peer.sendall(raw.encode())
            peer.shutdown(socket.SHUT_WR)
            peer.recv(65536)


def over_grpc(address: str, mark: Marks) -> None:
    """Every string of every message, and metadata."""
    message = engine_pb2.ChatMessage
    with grpc.insecure_channel(address) as channel:
        own: Any = engine_pb2_grpc.EngineServiceStub(channel)  # type: ignore[no-untyped-call]
        seed: Any = llama_pb2_grpc.LlamaServiceStub(channel)  # type: ignore[no-untyped-call]
        for body in rpc_chats(mark):
            drain(own.Chat(body, timeout=60))
        drain(own.Chat(engine_pb2.ChatRequest(messages=[message(role=mark(), content=mark())])))
        drain(seed.GenerateStream(llama_pb2.GenerateStreamRequest(user_prompt=mark())))
        for field in llama_pb2.GenerateStreamRequest.DESCRIPTOR.fields:
            if field.type == field.TYPE_STRING and not field.is_repeated:
                texts = {"user_prompt": mark(), field.name: mark()}
                drain(seed.GenerateStream(llama_pb2.GenerateStreamRequest(**texts), timeout=60))
        with contextlib.suppress(grpc.RpcError):
            own.Cancel(engine_pb2.CancelRequest(request_id=mark()))
        for name in ("authorization", "x-api-key", "user-agent", "x-kanarya", "traceparent"):
            with contextlib.suppress(grpc.RpcError):
                own.Tokenize(engine_pb2.TokenizeRequest(text=mark()), metadata=[(name, mark())])
        raw = channel.unary_unary(f"/sentiric.llama.v1.EngineService/{mark()}")
        for call in (raw, channel.unary_unary("/sentiric.llama.v1.EngineService/Tokenize")):
            with contextlib.suppress(grpc.RpcError):
                call(f"\xff\xff{mark()}".encode("latin-1"))


def rpc_chats(mark: Marks) -> Iterator[Any]:
    def chat(**fields: Any) -> Any:
        said = [engine_pb2.ChatMessage(role="user", content=mark())]
        return engine_pb2.ChatRequest(messages=said, max_tokens=1, **fields)

    yield chat()
    for name in ("model", "system_prompt", "rag_context", "lora_adapter", "gbnf", "json_schema"):
        for text in (mark(), f"../{mark()}", f"{mark()}\0", f'root ::= "{mark()}', f"{{{mark()}"):
            yield chat(**{name: text})
    yield chat(stop=[mark()] * 9)
    yield chat(tools=[engine_pb2.Tool(name=mark(), description=mark(), parameters=mark())])
    yield chat(tool_choice=mark())
    yield chat(sampling=engine_pb2.Sampling(dry_sequence_breakers=[mark()] * 99))


def drain(call: Any) -> None:
    with contextlib.suppress(grpc.RpcError):
        for _ in call:
            pass


@pytest.mark.parametrize("level", ["info", "debug"])
def test_no_marker_comes_out(start: Any, tiny_q8_0: Path, tmp_path: Path, level: str) -> None:
    """Hundreds of requests; a line may carry codes, fields of ours, counts and times."""
    (tmp_path / "lora").mkdir()
    (tmp_path / "profiles.json").write_text(json.dumps({"profiles": {}}))
    settings = {"admin_key": "k", "profiles_path": tmp_path / "profiles.json"}
    server = start(
        tiny_q8_0,
        log_level=level,
        lora_dir=tmp_path / "lora",
        contexts=2,
        context_size=256,
        **settings,
    ).wait_ready()
    mark = Marks()
    over_http(server.port, mark)
    over_grpc(server.grpc_address, mark)
    server.signal(signal.SIGTERM)
    assert server.finish() == 0
    assert mark.count > 350
    found = [line for line in server.lines if MARK in line.lower()]
    assert not found, found[:5]
    refused = server.events("HTTP_CHAT_REFUSED") + server.events("GRPC_REFUSED")
    assert len(refused) > 30
    places = {line["attributes"]["where"] for line in refused}
    assert {"grammar", "lora_adapter"} <= places or {"grammar", "model"} <= places, places
    assert {line["message"] for line in refused} == {"refused"}
    if level == "debug":
        paths = {line["message"].split()[1] for line in server.events("HTTP_REQUEST")}
        assert {"/v1/chat/completions", "/v1/models/{name:path}", "?"} <= paths, paths
