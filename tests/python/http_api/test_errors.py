# SPDX-License-Identifier: AGPL-3.0-only
"""Error answers: the whole table, before and after the first step, and while not ready."""

from __future__ import annotations

import math
from typing import Any

import pytest

from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.engine.process.quarantine import refusal
from sentiric_llama.errors import (
    ERROR_CLASSES,
    ERROR_TABLE,
    ContextLengthExceeded,
    DeadlineExceeded,
    ErrorCode,
    Overloaded,
    is_lasting_status,
)
from sentiric_llama.http.errors import HttpError, retry_headers

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
    assert reply.headers.get("x-should-retry") == ("false" if expected.is_lasting else None)
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
    what = (
        "request (300 tokens) exceeds the available context size (256 tokens); the maximum context "
        "length is 256 tokens, of which a prompt may take 255"
    )
    server = start(lambda: FakeEngine(fail=ContextLengthExceeded(what, where="prompt")))
    error = server.chat().error
    assert (error["n_prompt_tokens"], error["n_ctx"]) == (300, 256)
    assert error["type"] == "exceed_context_size_error"
    assert error["code"] == "context_length_exceeded"


def test_full_queue_is_a_429(start: Any) -> None:
    server = start(lambda: FakeEngine(fail=Overloaded("the queue is full")))
    reply = server.chat()
    assert reply.status == 429 and int(reply.headers["retry-after"]) > 0


@pytest.mark.parametrize("code", list(ErrorCode))
def test_what_the_table_says_of_a_repeat_agrees_with_the_status(code: ErrorCode) -> None:
    row = ERROR_TABLE[code]
    # A broken file stays broken; every other 500 may be an accident.
    expected = is_lasting_status(row.http) or code is ErrorCode.MODEL_INVALID
    assert row.is_lasting == expected and not (row.is_lasting and row.is_temporary)


@pytest.mark.parametrize(
    ("status", "is_lasting"),
    [
        *((status, True) for status in (400, 401, 403, 404, 405, 413, 415, 421, 422, 431)),
        *((status, True) for status in (501, 504)),
        *((status, False) for status in (408, 409, 429, 500, 502, 503)),
    ],
)
def test_errors_of_the_http_layer_say_whether_a_repeat_helps(status: int, is_lasting: bool) -> None:
    headers = retry_headers(HttpError(status, "x", code="x"))
    assert (headers.get("x-should-retry") == "false") == is_lasting


def test_a_request_that_crashed_the_engine_is_not_sent_again() -> None:
    assert retry_headers(refusal()) == {"x-should-retry": "false"}


def test_who_waited_in_vain_may_come_back(start: Any) -> None:
    """The time ran out before anything was computed: another try is not useless."""
    for where, lasts in (("queue", False), ("deadline", True)):
        error = DeadlineExceeded("no context became free in time", where=where)
        server = start(lambda error=error: FakeEngine(fail=error))
        reply = server.chat()
        assert reply.status == 504
        assert ("x-should-retry" in reply.headers) == lasts
        assert ("retry-after" in reply.headers) != lasts


def test_retry_after_is_the_expected_time_with_jitter() -> None:
    error = Overloaded("full")
    for expected, low, high in ((8000, 6000, 10_000), (10, 1000, 1000), (900_000, 36_000, 60_000)):
        error.retry_ms = expected
        found = [retry_headers(error) for _ in range(200)]
        times = [int(headers["retry-after-ms"]) for headers in found]
        assert low <= min(times) and max(times) <= high
        assert (len(set(times)) > 1) == (low < high)
        for headers, ms in zip(found, times, strict=True):
            assert int(headers["retry-after"]) == math.ceil(ms / 1000)


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


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/v1/models", "GET, HEAD"),
        ("/v1/responses/x", "DELETE, GET, HEAD"),
        ("/v1/hardware/config", "GET, HEAD, POST"),
        ("/tokenize", "POST"),
    ],
)
def test_all_methods_of_a_path_are_named(server: Any, path: str, methods: str) -> None:
    reply = server.request("PUT", path, {})
    assert (reply.status, reply.headers["allow"]) == (405, methods)


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


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b'{"messages":[{"role":"user","content":"x"}],"temperature":NaN}', "temperature"),
        (b'{"messages":[{"role":"user","content":"NaN"},{"a":[1,{"b":-Infinity}]}]}',
         "messages.1.a.1.b"),
        (b'{"a":{"x":[[],{}]},"b":"}]\\"","c\\u0041 d":[0,Infinity]}', "cA%20d.1"),
    ],
)  # fmt: skip
def test_a_number_that_is_none_is_named_by_its_place(server: Any, body: bytes, place: str) -> None:
    reply = server.post("/v1/chat/completions", body)
    assert (reply.status, reply.error["code"]) == (400, "invalid_json")
    assert reply.error["message"].startswith(f"[{place}] got ")
    assert "allowed a JSON number" in reply.error["message"]
    assert reply.error["param"] == (place if "%" not in place else None)
    long = b'{"' + b'":{"'.join([b"n" * 60] * 30) + b'":NaN' + b"}" * 30
    cut = server.post("/v1/chat/completions", long).error
    assert cut["message"].startswith("[...nnn") and len(cut["message"]) < 250
    whole = server.post("/v1/chat/completions", b"NaN")
    assert whole.error["message"].startswith("the body: got NaN")


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/v1/chat/completion", "/v1/chat/completions"),
        ("/v1/v1/messages", "/v1/messages"),
        ("/embeddings", "/v1/embeddings"),
        ("/health/", "/health"),
        ("/v1/chat", "/v1/chat/completions"),
        ("/V2/Models", "/v1/models"),
        ("/nothing/like/it", ""),
        ("/" + "x" * 5000, ""),
    ],
)
def test_an_unknown_path_is_told_the_nearest(server: Any, path: str, meant: str) -> None:
    told = server.post(path, {}).error["message"]
    assert told == (
        f"no such route; did you mean {meant}? see /docs for all"
        if meant
        else "no such route; see /docs for all"
    )


def test_a_wrong_method_is_told_the_right_ones(server: Any) -> None:
    told = server.get("/v1/completions")
    assert told.status == 405 and told.error["message"].endswith("route; allowed POST")
