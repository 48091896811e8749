# SPDX-License-Identifier: AGPL-3.0-only
"""Clients that do not read, over HTTP and gRPC: their calls stop being decoded, others go on."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from http_client import wait_until
from sentiric_llama.rpc.generated import engine_pb2, engine_pb2_grpc
from server_process import ServerProcess

pytestmark = pytest.mark.both_modes

BODY: dict[str, Any] = {
    "messages": [{"role": "user", "content": "x"}],
    "stream": True,
    "temperature": 0,
    "max_tokens": 100_000,
    "ignore_eos": True,
    "logprobs": True,
    "top_logprobs": 20,
}
"""Large events: what the kernel buffers is soon full."""


@pytest.fixture
def server(tiny_q8_0: Path) -> Iterator[ServerProcess]:
    settings = {"contexts": 4, "context_size": 1024, "reader_wait_ms": 0}
    server = ServerProcess(tiny_q8_0, stream_interval_ms=0, **settings).wait_ready()
    yield server
    server.close()


def engine_stats(server: ServerProcess) -> dict[str, Any]:
    found = server.get("/v1/stats").json["engine"]
    assert isinstance(found, dict)
    return found


def waits(server: ServerProcess) -> bool:
    """One call waits for its reader, and what is on the way to it has stopped to flow."""
    before = engine_stats(server)
    time.sleep(0.5)
    after = engine_stats(server)
    return after["reader_waits"] == 1 and after["generated_tokens"] == before["generated_tokens"]


def memory_of(server: ServerProcess) -> int:
    status = Path(f"/proc/{server.child.pid}/status").read_text()
    return int(status.split("RssAnon:")[1].split()[0]) * 1024


def check_others_go_on(server: ServerProcess) -> None:
    """While one call is unread: nothing is decoded for it, nothing grows, others are answered."""
    fields = {"temperature": 0, "max_tokens": 200, "ignore_eos": True}
    text = server.chat("hello", **fields).text
    before, memory = engine_stats(server), memory_of(server)
    for _ in range(5):
        assert server.chat("hello", **fields).text == text
    after = engine_stats(server)
    assert after["generated_tokens"] - before["generated_tokens"] == 5 * 200
    assert after["reader_waits"] == 1
    assert memory_of(server) - memory < 2**20


def unread_call(server: ServerProcess) -> socket.socket:
    peer = socket.socket()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    peer.connect(("127.0.0.1", server.port))
    body = json.dumps(BODY).encode()
    head = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    peer.sendall(head.encode() + body)
    return peer


def test_over_http(server: ServerProcess) -> None:
    with unread_call(server) as peer:
        assert wait_until(lambda: waits(server))
        check_others_go_on(server)
        before = engine_stats(server)["generated_tokens"]
        peer.settimeout(30)
        taken = 0
        while taken < 2**21:
            taken += len(peer.recv(65536))
        assert wait_until(lambda: engine_stats(server)["generated_tokens"] > before)
    assert wait_until(server.is_idle)  # a client that leaves ends its call as ever


def test_over_grpc(server: ServerProcess) -> None:
    async def main() -> None:
        # A client that buffers no more than it must: else the library reads on for a while.
        options = [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 4096)]
        async with grpc.aio.insecure_channel(server.grpc_address, options) as channel:
            stub = engine_pb2_grpc.EngineServiceStub(channel)
            request = engine_pb2.ChatRequest(
                messages=[engine_pb2.ChatMessage(role="user", content="x")],
                sampling=engine_pb2.Sampling(temperature=0),
                max_tokens=100_000,
                ignore_eos=True,
            )
            call = stub.Chat(request)
            await call.read()
            assert await asyncio.to_thread(wait_until, lambda: waits(server))
            await asyncio.to_thread(check_others_go_on, server)
            before = engine_stats(server)["generated_tokens"]
            for _ in range(2000):
                await call.read()
            assert engine_stats(server)["generated_tokens"] > before
            call.cancel()

    asyncio.run(main())
    assert wait_until(server.is_idle)


def test_a_client_that_never_reads_gets_its_context_taken(start: Any, tiny_q8_0: Path) -> None:
    settings = {"contexts": 1, "context_size": 1024, "reader_wait_ms": 500}
    server = start(tiny_q8_0, stream_interval_ms=0, **settings).wait_ready()
    with unread_call(server):
        assert wait_until(lambda: engine_stats(server)["requests_failed"] == 1)
        assert server.chat("hello", max_tokens=2).status == 200
        errors = server.get("/v1/stats").json
        assert errors["contexts"]["active"] == 0
