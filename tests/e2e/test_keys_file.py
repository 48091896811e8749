# SPDX-License-Identifier: AGPL-3.0-only
"""Keys that are made and revoked by the command while a server runs, for both protocols."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc
import pytest

from command_runs import Run
from http_client import StreamThread, request, wait_until
from sentiric_llama.rpc.generated import engine_pb2, engine_pb2_grpc

CHAT = "/v1/chat/completions"
HELLO = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 2}
LONG = {"max_tokens": 200, "ignore_eos": True}


def grpc_status(server: Any, key: str) -> str:
    """How a call over gRPC with this key ends."""
    with grpc.insecure_channel(server.grpc_address) as channel:
        stub: Any = engine_pb2_grpc.EngineServiceStub(channel)
        text = engine_pb2.TokenizeRequest(text="a")
        call = stub.Tokenize.future(text, metadata=(("x-api-key", key),), timeout=60)
        return str(call.code().name)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


def test_keys_come_and_go(start: Any, run: Run, path: Path) -> None:
    words = ("--keys-file", path)
    first = run("key", "new", "first", *words).stdout.strip()
    server = start(keys_file=path, keys_reload_s=0.1).wait_ready()

    def chat(key: str) -> int:
        headers = {"X-Api-Key": key}
        status: int = request(server.port, "POST", CHAT, HELLO, headers).status
        return status

    assert chat(first) == 200 and chat("x" * 40) == 401 and grpc_status(server, first) == "OK"
    limited = run("key", "new", "limited", *words, "--requests-per-minute", "2").stdout.strip()
    server.wait_for("KEYS_RELOADED")
    assert [chat(limited), grpc_status(server, limited), chat(limited)] == [200, "OK", 429]
    assert grpc_status(server, limited) == "RESOURCE_EXHAUSTED", "one limit for both"
    stream = StreamThread(server.port, "hi", headers={"X-Api-Key": first}, **LONG)
    assert wait_until(lambda: bool(stream.pieces))
    run("key", "revoke", "first", *words)
    assert wait_until(lambda: chat(first) == 401)
    assert grpc_status(server, first) == "UNAUTHENTICATED"
    assert stream.text(), "what ran goes on"
    path.write_text("{")
    assert server.wait_for("KEYS_REFUSED")["severity"] == "WARN"
    assert chat(limited) == 429, "the last good keys are in use"
    log = "\n".join(server.lines)
    assert first not in log and limited not in log
