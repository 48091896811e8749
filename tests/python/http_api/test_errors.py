# SPDX-License-Identifier: AGPL-3.0-only
"""Error answers: the whole table, before and after the first step, and while not ready."""

from __future__ import annotations

from typing import Any

import pytest

from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.errors import (
    ERROR_CLASSES,
    ERROR_TABLE,
    ContextLengthExceeded,
    ErrorCode,
    Overloaded,
)

# The engine reports a cancel nobody asked for only while it closes: a 503 to the caller.
SEEN_AS = {ErrorCode.CANCELLED: ErrorCode.UNAVAILABLE}


@pytest.mark.parametrize("code", list(ErrorCode))
@pytest.mark.parametrize("stream", [False, True])
def test_every_code_before_the_first_step(start: Any, code: ErrorCode, stream: bool) -> None:
    server = start(lambda: FakeEngine(fail=ERROR_CLASSES[code]("what; got x", where="field:3:4")))
    reply = server.chat(stream=stream)
    expected = ERROR_TABLE[SEEN_AS.get(code, code)]
    assert reply.status == expected.http
    assert reply.error.keys() >= {"message", "type", "param", "code"}
    assert reply.error["type"] == expected.openai_type
    assert reply.error["code"] == SEEN_AS.get(code, code).value
    if code in (ErrorCode.INVALID_ARGUMENT, ErrorCode.INVALID_GRAMMAR):
        assert reply.error["param"] == "field"
    assert ("retry-after" in reply.headers) == (expected.http in (429, 503))
    assert server.engine.active == 0 and server.service.in_flight == 0


@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_code_in_the_middle(start: Any, code: ErrorCode) -> None:
    error = ERROR_CLASSES[code]("what", where="engine")
    server = start(lambda: FakeEngine(fail=error, fail_after=3, delay_s=0.002))
    reply = server.chat(stream=True)
    assert reply.status == 200
    *_, last = reply.events
    assert last["error"]["code"] == SEEN_AS.get(code, code).value
    assert "[DONE]" not in reply.events
    chunks = [event for event in reply.events if "choices" in event]
    assert "".join(c["choices"][0]["delta"].get("content", "") for c in chunks) == "You"
    whole = server.chat()
    assert whole.status == ERROR_TABLE[SEEN_AS.get(code, code)].http


def test_defect_in_the_engine_is_a_500_without_its_text(
    start: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_request: Any) -> str:
        raise KeyError("secret prompt")

    server = start(lambda: FakeEngine(broken))
    for stream in (False, True):
        reply = server.chat(stream=stream)
        assert reply.status == 500 and b"secret" not in reply.body
    assert server.get("/health").status == 200


def test_context_error_carries_both_numbers(start: Any) -> None:
    what = "the prompt is longer than the context; got 300 tokens, allowed 256 tokens"
    server = start(lambda: FakeEngine(fail=ContextLengthExceeded(what, where="prompt")))
    error = server.chat().error
    assert (error["n_prompt_tokens"], error["n_ctx"]) == (300, 256)
    assert error["type"] == "exceed_context_size_error"


def test_full_queue_is_a_429(start: Any) -> None:
    server = start(lambda: FakeEngine(fail=Overloaded("the queue is full")))
    reply = server.chat()
    assert reply.status == 429 and int(reply.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nope", 404, "not_found"),
        ("POST", "/v1/completions/x", 404, "not_found"),
        ("GET", "/v1/chat/completions", 405, "method_not_allowed"),
        ("DELETE", "/v1/models", 405, "method_not_allowed"),
        ("GET", "/v1/models/other", 404, "model_not_found"),
        ("GET", "/health/", 404, "not_found"),
    ],
)
def test_routes(server: Any, method: str, path: str, status: int, code: str) -> None:
    reply = server.request(method, path, {} if method == "POST" else None)
    assert reply.status == status and reply.error["code"] == code
    assert reply.error.keys() == {"message", "type", "param", "code"}


def test_while_loading(start: Any) -> None:
    server = start(ready=False)
    for path in ("/v1/chat/completions", "/tokenize", "/detokenize"):
        reply = server.post(path, {})
        assert reply.status == 503 and "retry-after" in reply.headers
        assert reply.error["message"] == "Model is loading or not ready"
        assert reply.error["type"] == "server_error"
    assert server.get("/v1/models").status == 503
    health = server.get("/health")
    assert health.status == 503 and health.json["status"] == "loading"
    assert health.json["model_ready"] is False
    assert health.json["capacity"] == {
        "active": 0,
        "total": 4,
        "available": 0,
        "has_capacity": False,
    }
    other = server.get("/v1/health")
    assert other.status == 503
    assert other.error == {"code": 503, "message": "Loading model", "type": "unavailable_error"}
    assert server.get("/health/ready").status == 503
    assert server.get("/health/live").status == 200


def test_while_draining(start: Any) -> None:
    server = start()
    server.loop.call_soon_threadsafe(server.service.begin_drain)
    server.num_tasks()
    assert server.chat().status == 503
    assert server.get("/health").json["status"] == "draining"
    assert server.get("/health").status == server.get("/health/ready").status == 503


def test_healthy(server: Any) -> None:
    health = server.get("/health").json
    assert health["status"] == "healthy" and health["model_ready"] is True
    assert health["service"] == "sentiric-llm-llama-service"
    assert health["current_profile"] is None and isinstance(health["timestamp"], int)
    assert health["capacity"] == {"active": 0, "total": 4, "available": 4, "has_capacity": True}
    assert server.get("/v1/health").json == {"status": "ok"}
    assert server.get("/health/ready").json == {"status": "ready"}


def test_models(server: Any) -> None:
    listing = server.get("/v1/models").json
    assert listing["object"] == "list"
    (entry,) = listing["data"]
    assert entry["id"] == "fake-model" and entry["object"] == "model" and entry["active"] is True
    assert "path" not in str(entry) and entry["aliases"] == ["alias"]
    for name in ("fake-model", "alias", "default"):
        assert server.get(f"/v1/models/{name}").json == entry


def test_tokenize(server: Any) -> None:
    assert server.post("/tokenize", {"content": "ab"}).json == {"tokens": [97, 98]}
    pieces = server.post("/tokenize", {"content": "aa", "with_pieces": True}).json
    assert pieces == {"tokens": [{"id": 97, "piece": "a"}] * 2}
    assert server.post("/detokenize", {"tokens": [97, 98]}).json == {"content": "ab"}
    assert server.post("/tokenize", {"content": ""}).json == {"tokens": []}
    for body in ({}, {"tokens": "x"}, {"tokens": [1.5]}, {"tokens": [-1]}, {"tokens": [0x110000]}):
        reply = server.post("/detokenize", body)
        assert (reply.status, reply.error["param"]) == (400, "tokens")
    reply = server.post("/tokenize", {"content": "x" * (2 * 2**20 + 1)})
    assert (reply.status, reply.error["param"]) == (400, "content")


def test_required_tenant(start: Any) -> None:
    server = start(require_tenant=True)
    reply = server.chat()
    assert reply.status == 400
    assert reply.error["message"] == "tenant_id header is strictly required"
    body = {"messages": [{"role": "user", "content": "x"}]}
    for value, status in (("acme", 200), ('Some("acme")', 200), ("", 400), ("a b", 400)):
        headers = {"x-tenant-id": value}
        assert server.post("/v1/chat/completions", body, headers).status == status


def test_request_id(server: Any) -> None:
    assert server.get("/health", x_request_id="abc-1_2").headers["x-request-id"] == "abc-1_2"
    for bad in ("a b", "x" * 65, "é", "a;b"):
        made = server.get("/health", x_request_id=bad).headers["x-request-id"]
        assert made != bad and len(made) == 32
