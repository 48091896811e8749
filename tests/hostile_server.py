# SPDX-License-Identifier: AGPL-3.0-only
"""A server over HTTP and gRPC whose every text tries to steer the terminal of who asks it."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from sentiric_llama.rpc.generated import engine_pb2, engine_pb2_grpc

BAD = "[link=x]\x1b[2J\x1b]52;c;eA==\x07\x9b2J\x9d0;t\x9c\x7f\u202e\u2066\u2028end"
"""Clears the screen, sets the clipboard and the title, turns the line around, forges another."""
CODES = ("\x1b[2J", "\x1b]", "\x07", "\x9b", "\x9d", "\x9c", "\x7f", "\u202e", "\u2066", "\u2028")


def stats() -> dict[str, Any]:
    """As `/v1/stats`, with a text wherever one may stand, and in some numbers."""
    call = {"request_id": BAD, "protocol": BAD, "endpoint": BAD, "phase": BAD, "tokens": BAD}
    gpu = {"name": BAD, "description": BAD, "used_bytes": 1, "total_bytes": 2}
    return {
        "service": {"name": BAD, "version": BAD, "state": BAD, "uptime_s": BAD},
        "model": {"id": BAD, "profile": BAD, "architecture": BAD},
        "contexts": {"total": 4, "active": 1},
        "queue": {"waiting": BAD},
        "requests": {"total": BAD, "ok": BAD, "cancelled": BAD, "error": BAD},
        "rates": {"prompt_tokens_per_s": BAD},
        "latency": {"ttft_ms": {"p50": BAD}},
        "cache": {"kv_tokens": BAD, "preemptions": BAD},
        "memory": {"gpus": [gpu]},
        "running": [call | {"age_ms": 1}],
    }


def health_body() -> dict[str, Any]:
    return {
        "status": BAD,
        "model_ready": True,
        "current_profile": BAD,
        "capacity": {"active": BAD, "total": BAD, "available": BAD},
        BAD: BAD,
    }


def chunk(text: str, finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    return {"id": BAD, "model": BAD, "choices": [choice], "usage": usage}


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers everything; `server.refuses` turns all of it into errors."""

    protocol_version = "HTTP/1.1"
    server: HostileHttp

    def log_message(self, *_: Any) -> None: ...

    def do_GET(self) -> None:
        if self.server.refuses:
            self._refuse()
        elif self.path == "/v1/stats/stream":
            self._events([stats(), stats()])
        else:
            profile = {"model_id": BAD, "category": BAD, "display_name": BAD, BAD: BAD}
            profiles = {"active_profile": BAD, "profiles": {BAD: profile, "p": profile}}
            known = {"/v1/stats": stats(), "/v1/profiles": profiles, "/health": health_body()}
            self._json(known.get(self.path, {"status": BAD, "data": [{"id": BAD}]}))

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.server.refuses:
            self._refuse()
        elif self.path == "/v1/chat/completions":
            self._events([chunk(BAD), chunk(BAD), chunk("", BAD)])
        elif self.path == "/v1/models/switch":
            end = {"status": "success", "active_profile": BAD, "elapsed_s": 1}
            self._events([{"phase": BAD, "profile": BAD, "download": None}, end])
        else:
            self._json({"tokens": [{"id": 1, "piece": BAD}, {"id": BAD, "piece": BAD}]})

    def _refuse(self) -> None:
        error = {"message": BAD, "type": BAD, "param": BAD, "code": BAD}
        self._json({"error": error, "status": BAD, "message": BAD}, 400)

    def _events(self, items: list[Any]) -> None:
        body = b"".join(b"data: " + json.dumps(item).encode() + b"\n\n" for item in items)
        self._send(body + b"data: [DONE]\n\n", "text/event-stream")

    def _json(self, value: Any, status: int = 200) -> None:
        self._send(json.dumps(value).encode(), "application/json", status)

    def _send(self, body: bytes, kind: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class HostileHttp(http.server.ThreadingHTTPServer):
    daemon_threads = True
    refuses = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Servicer(engine_pb2_grpc.EngineServiceServicer):
    """gRPC's own status texts may hold anything, too."""

    refuses = False

    def _check(self, context: Any) -> None:
        if self.refuses:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, BAD)

    def Chat(self, _request: Any, context: Any) -> Iterator[Any]:  # noqa: N802
        self._check(context)
        yield engine_pb2.ChatEvent(delta=engine_pb2.ChatDelta(text=BAD))
        end = engine_pb2.ChatDelta(text=BAD, finish_reason=BAD)
        yield engine_pb2.ChatEvent(delta=end)
        yield engine_pb2.ChatEvent(end=engine_pb2.ChatEnd(model=BAD, notice=BAD))

    def GetCapacity(self, _request: Any, context: Any) -> Any:  # noqa: N802
        self._check(context)
        found = engine_pb2.GetCapacityResponse()
        for field in found.DESCRIPTOR.fields:
            if field.type == field.TYPE_STRING and not field.is_repeated:
                setattr(found, field.name, BAD)
        return found

    def Tokenize(self, _request: Any, context: Any) -> Any:  # noqa: N802
        self._check(context)
        return engine_pb2.TokenizeResponse(tokens=[1, 2])


@contextmanager
def hostile_http() -> Iterator[HostileHttp]:
    server = HostileHttp(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def hostile_grpc() -> Iterator[tuple[str, Servicer]]:
    """The address and what answers there."""
    server = grpc.server(futures.ThreadPoolExecutor(4))
    servicer = Servicer()
    add: Callable[..., None] = engine_pb2_grpc.add_EngineServiceServicer_to_server
    add(servicer, server)
    states = health.HealthServicer()
    states.set("", health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(states, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}", servicer
    finally:
        server.stop(0)
