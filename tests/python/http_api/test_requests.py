# SPDX-License-Identifier: AGPL-3.0-only
"""DELETE /v1/requests/ID: by the caller's own id or the answer's, and nobody else's."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from http_client import Reply, wait_until
from sentiric_llama.engine.fake import FakeEngine

KEYS = "one:user:k1\ntwo:user:k2"
CHAT = {"messages": [{"role": "user", "content": "x"}]}


def chat_in_background(server: Any, *, key: str = "k1", name: str = "mine", **fields: Any) -> Any:
    """Starts a chat; `replies` has its answer once it has one."""
    replies: list[Reply] = []
    headers = {"x-request-id": name, "Authorization": f"Bearer {key}"}

    def run() -> None:
        replies.append(server.post("/v1/chat/completions", CHAT | fields, headers))

    thread = threading.Thread(target=run)
    thread.start()
    return thread, replies


def cancel(server: Any, given_id: str, key: str = "k1") -> Reply:
    headers = {"Authorization": f"Bearer {key}"}
    reply: Reply = server.request("DELETE", f"/v1/requests/{given_id}", headers=headers)
    return reply


@pytest.mark.parametrize("stream", [False, True])
def test_a_running_and_a_waiting_request_by_the_callers_id(start: Any, stream: bool) -> None:
    server = start(lambda: FakeEngine("abc", contexts=1, delay_s=60), api_keys=KEYS)
    running, first = chat_in_background(server, name="running", stream=stream)
    assert wait_until(lambda: server.engine.active == 1)
    waiting, second = chat_in_background(server, name="waiting", stream=stream)
    assert wait_until(lambda: len(server.engine.line) == 1)
    for name in ("waiting", "running"):
        reply = cancel(server, name)
        expected = [{"phase": "waiting", "tokens": 0}]  # neither has a token yet
        assert reply.status == 200
        assert reply.json == {"id": name, "object": "request.cancelled", "calls": expected}
    for thread in (running, waiting):
        thread.join(30)
    for (reply,) in (first, second):
        assert reply.error["code"] == "cancelled"
    assert wait_until(lambda: server.engine.active == 0 and not server.engine.line)
    assert not server.service.running._streams


def test_it_is_idempotent_and_says_the_same_again(start: Any) -> None:
    server = start(lambda: FakeEngine("abc", delay_s=60), api_keys=KEYS)
    thread, _ = chat_in_background(server)
    assert wait_until(lambda: server.engine.active == 1)
    replies = [cancel(server, "mine") for _ in range(3)]
    assert [reply.status for reply in replies] == [200, 200, 200]
    assert replies[0].json == replies[1].json == replies[2].json
    thread.join(30)


def test_foreign_and_unknown_ids_are_not_found(start: Any) -> None:
    server = start(lambda: FakeEngine("abc", delay_s=60), api_keys=KEYS)
    thread, _ = chat_in_background(server)
    assert wait_until(lambda: server.engine.active == 1)
    for name, key in (("mine", "k2"), ("other", "k1"), ("x" * 999, "k1"), ("a b", "k1")):
        reply = cancel(server, name.replace(" ", "%20"), key)
        assert (reply.status, reply.error["code"]) == (404, "request_not_found")
    assert server.engine.active == 1
    assert cancel(server, "mine").status == 200
    assert cancel(server, "mine", "k2").status == 404  # nor what it was doing
    thread.join(30)
    assert server.request("DELETE", "/v1/requests/mine").status == 401


def test_the_id_of_the_answer(start: Any) -> None:
    import json

    from http_client import open_chat

    release = threading.Event()

    server = start(lambda: FakeEngine("a" * 200, delay_s=0.02))
    with open_chat(server.port, "x", {"x-request-id": "mine"}, stream=True) as peer:
        data = b""
        while b'"content":"a' not in data:
            data += peer.recv(65536)
        chunk = next(line for line in data.split(b"\n") if line.startswith(b"data: {"))
        answer_id = json.loads(chunk.removeprefix(b"data: "))["id"]
        reply = cancel(server, answer_id)
        (call,) = reply.json["calls"]
        assert reply.status == 200 and call["phase"] == "answering" and call["tokens"] >= 1
        release.set()
        while part := peer.recv(65536):
            data += part
            if b'"code":"cancelled"' in data:
                break
        assert b'"code":"cancelled"' in data and b"[DONE]" not in data
    assert cancel(server, answer_id).json["calls"] == [call]
    assert cancel(server, "chatcmpl-" + "0" * 32).status == 404


@pytest.mark.parametrize(
    ("path", "body", "prefix"),
    [
        ("/v1/messages", CHAT, "msg_"),
        ("/v1/responses", {"input": "x"}, "resp_"),
        ("/v1/completions", {"prompt": "x"}, "cmpl-"),
    ],
)
def test_the_answers_of_every_api_have_an_id_to_cancel(
    start: Any, path: str, body: dict[str, Any], prefix: str
) -> None:
    server = start(lambda: FakeEngine("abc" * 99, delay_s=0.2))
    replies: list[Reply] = []
    thread = threading.Thread(
        target=lambda: replies.append(server.post(path, body | {"stream": True}))
    )
    thread.start()
    assert wait_until(lambda: any(s.has_begun for ss in running(server).values() for s in ss))
    (stream,) = {stream for streams in running(server).values() for stream in streams}
    assert cancel(server, prefix + stream.answer_id).status == 200
    thread.join(30)
    assert f"{prefix}{stream.answer_id}".encode() in replies[0].body


def running(server: Any) -> dict[Any, Any]:
    return dict(server.service.running._streams)
