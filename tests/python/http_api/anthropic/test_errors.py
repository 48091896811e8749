# SPDX-License-Identifier: AGPL-3.0-only
"""Every failure on the paths of Anthropic's API has its format, wherever it happens."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
from typing import Any

import pytest

from http_client import Reply, wait_until
from messages_client import USER, ask_server, named_events
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.errors import (
    ERROR_CLASSES,
    ContextLengthExceeded,
    DeadlineExceeded,
    ErrorCode,
    InternalError,
    InvalidGrammar,
    NotSupported,
    Overloaded,
    PermissionDenied,
    RateLimitExceeded,
    SentiricLlamaError,
    Unavailable,
)
from sentiric_llama.http.anthropic.answer import MessagesError
from sentiric_llama.http.anthropic.errors import is_ours, messages_error, status_of
from sentiric_llama.types import Message, Request

BODY = {"messages": USER}


def check(reply: Reply, status: int, kind: str, text: str = "") -> None:
    assert reply.status == status, reply.body
    assert reply.json == {
        "type": "error",
        "error": {"type": kind, "message": reply.error["message"]},
        "request_id": reply.headers["request-id"],
    }
    assert text in reply.error["message"]
    assert reply.headers["request-id"] == reply.headers["x-request-id"]


def test_a_thread_is_refused_in_words_for_tool_runners(server: Any) -> None:
    """Else they send only what is new, and the model sees no conversation."""
    reply = server.post("/v1/messages", BODY | {"thread": {"type": "create"}})
    assert reply.status == 400 and reply.error["message"].startswith("[thread] ")
    assert reply.error["details"] == {
        "error_code": "thread_unsupported_request",
        "unsupported": ["thread"],
    }
    assert MessagesError.model_validate(reply.json)
    assert server.post("/v1/messages", BODY | {"thread": None}).status == 200


@pytest.mark.parametrize(
    ("path", "ours"),
    [
        ("/v1/messages", True),
        ("/v1/messages/count_tokens", True),
        ("/v1/messages/batches/x", True),
        ("/v1/messagesx", False),
        ("/v1/models", False),
        ("", False),
    ],
)
def test_the_path_decides(path: str, ours: bool) -> None:
    assert is_ours(path) is ours


def test_every_code_has_a_type_that_is_documented() -> None:
    for kind in ERROR_CLASSES.values():
        body = messages_error(kind("x").mapping.http, "x", None)
        MessagesError.model_validate(body)
    assert {status_of(kind("x").mapping.http) for kind in ERROR_CLASSES.values()} >= {429, 529}


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (Overloaded("full"), 429, "rate_limit_error"),
        (RateLimitExceeded("slow down"), 429, "rate_limit_error"),
        (Unavailable("closed"), 529, "overloaded_error"),
        (DeadlineExceeded("late"), 504, "timeout_error"),
        (InternalError("bug"), 500, "api_error"),
        (PermissionDenied("no"), 403, "permission_error"),
        (InvalidGrammar("no rule", where="json_schema:/a"), 400, "invalid_request_error"),
        (NotSupported("no"), 501, "api_error"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_errors_of_the_engine(
    start: Any, error: SentiricLlamaError, status: int, kind: str, stream: bool
) -> None:
    server = start(lambda: FakeEngine(fail=error))
    reply = ask_server(server, stream=stream)
    check(reply, status, kind, error.what)
    assert ("retry-after" in reply.headers) == (status in (429, 529))


def test_a_full_queue(start: Any) -> None:
    server = start(lambda: FakeEngine(contexts=1, queue_limit=0, first_delay_s=30))
    full = server.call(_fill(server))
    reply = ask_server(server)
    check(reply, 429, "rate_limit_error")
    assert int(reply.headers["retry-after"]) >= 1
    server.call(_end(full))


async def _fill(server: Any) -> Any:
    stream = server.engine.submit(Request(messages=[Message("user", "x")]))
    await stream.open()
    return stream


async def _end(stream: Any) -> None:
    stream.close()
    await stream.aclose()


@pytest.mark.parametrize(
    ("what", "text"),
    [
        (
            "request (5000 tokens) exceeds the available context size (4096 tokens); the maximum "
            "context length is 4096 tokens, of which a prompt may take 4095",
            "prompt is too long: 5000 tokens > 4095 maximum",
        ),
        ("too much text; allowed 9 bytes", "prompt is too long: too much text; allowed 9 bytes"),
    ],
)
def test_a_prompt_that_is_too_long(start: Any, what: str, text: str) -> None:
    server = start(lambda: FakeEngine(fail=ContextLengthExceeded(what, where="messages")))
    reply = ask_server(server)
    check(reply, 400, "invalid_request_error")
    assert reply.error["message"] == text


def test_too_much_text(server: Any) -> None:
    reply = ask_server(server, [{"role": "user", "content": "x" * (2 * 2**20 + 1)}])
    check(reply, 400, "invalid_request_error", "prompt is too long: too much text; got 2097153")


def test_an_error_in_the_middle_of_a_stream(start: Any) -> None:
    server = start(lambda: FakeEngine(fail=Unavailable("gone"), fail_after=4, delay_s=0.002))
    reply = ask_server(server, stream=True)
    *events, last = named_events(reply)
    assert last == {
        "type": "error",
        "error": {"type": "overloaded_error", "message": "gone"},
        "request_id": reply.headers["request-id"],
    }
    assert reply.status == 200 and "message_stop" not in [event["type"] for event in events]


def test_a_schema_is_blamed_in_the_caller_s_words(start: Any) -> None:
    server = start(lambda: FakeEngine(fail=InvalidGrammar("bad", where="json_schema:/type")))
    form = {"type": "json_schema", "schema": {"type": "object"}}
    for stream in (False, True):
        reply = ask_server(server, output_config={"format": form}, stream=stream)
        check(reply, 400, "invalid_request_error", "[output_config.format:/type] bad")


def test_keys(start: Any) -> None:
    server = start(api_key="right")
    for headers in ({}, {"x-api-key": "wrong"}, {"authorization": "Bearer wrong"}):
        check(server.post("/v1/messages", BODY, headers), 401, "authentication_error")
    for headers in ({"x-api-key": "right"}, {"authorization": "Bearer right"}):
        assert server.post("/v1/messages", BODY, headers).status == 200


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
def test_refused_before_the_body_is_understood(start: Any, path: str) -> None:
    server = start(max_body_bytes=100_000)
    bad = "invalid_request_error"
    check(server.post(path, b"{"), 400, bad, "not valid JSON")
    check(server.post(path, b" " * 100_001), 413, "request_too_large")
    check(server.post(path, BODY, {"Content-Type": "text/plain"}), 415, bad)
    check(server.post(path, BODY, {"x-a": "x" * 20_000}), 431, bad)
    check(server.post(path, BODY, {"Host": "example.org"}), 421, bad)
    check(server.post(path, BODY, {"origin": "http://example.org"}), 403, "permission_error")
    check(server.post(path, BODY | {"model": "gpt-4o"}), 404, "not_found_error", "model")
    check(server.get(path), 405, bad)
    check(server.post(f"{path}/nope", BODY), 404, "not_found_error")


def test_a_server_that_is_not_ready(start: Any) -> None:
    loading = start(ready=False)
    for path in ("/v1/messages", "/v1/messages/count_tokens"):
        reply = loading.post(path, BODY)
        check(reply, 529, "overloaded_error", "Model is loading")
        assert 1 <= int(reply.headers["retry-after"]) <= 3


def test_a_bug_is_no_secret_and_says_nothing(start: Any, monkeypatch: Any) -> None:
    def explode(*_: Any) -> None:
        raise RuntimeError("secret")

    server = start()
    monkeypatch.setattr(server.service, "require_room", explode)
    reply = ask_server(server)
    check(reply, 500, "api_error", "unexpected error")
    assert b"secret" not in reply.body


def test_other_paths_keep_their_format(server: Any) -> None:
    for reply in (server.chat([]), server.get("/nope"), server.get("/v1/models/nope")):
        assert reply.error.keys() == {"message", "type", "param", "code"}
        assert "request-id" not in reply.headers


def test_messages_never_hold_what_a_caller_wrote(server: Any) -> None:
    secret = "tell nobody"
    for fields in (
        {"messages": [{"role": secret, "content": "x"}]},
        {"messages": [{"role": "user", "content": [{"type": secret}]}]},
        {"messages": [{"role": "user", "content": {"text": secret}}]},
        BODY | {"thinking": {"type": secret}},
        BODY | {"tool_choice": {"type": secret}},
    ):
        reply = server.post("/v1/messages", fields)
        assert reply.status == 400 and secret not in reply.error["message"]


def test_a_client_that_leaves_cancels(start: Any) -> None:
    server = start(lambda: FakeEngine(first_delay_s=30))
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    with contextlib.closing(connection):
        raw = json.dumps(BODY | {"stream": True})
        connection.request("POST", "/v1/messages", raw, {"Content-Type": "application/json"})
        assert wait_until(lambda: server.engine.active == 1)
    assert wait_until(lambda: server.engine.active == 0)
    assert server.engine.stats().requests_cancelled == 1


def test_codes_that_are_new_are_decided_here() -> None:
    by_status = {status_of(ERROR_CLASSES[code]("x").mapping.http) for code in ErrorCode}
    assert by_status == {400, 403, 404, 422, 429, 499, 500, 501, 504, 529}
    assert re.fullmatch(r"[a-z_]+", messages_error(499, "x", None)["error"]["type"])


def test_what_is_allowed_is_said_only_where_something_is(server: Any) -> None:
    message = server.post("/v1/messages", BODY | {"thread": {"type": "create"}}).error["message"]
    assert message.endswith("got an object, leave it out") and "allowed" not in message
    for value in ("x", ["a"] * 9, [""]):
        message = server.post("/v1/messages", BODY | {"stop_sequences": value}).error["message"]
        assert "allowed at most 8 strings of 1..256 bytes each" in message
