# SPDX-License-Identifier: AGPL-3.0-only
"""What belongs to a key over HTTP: its calls, its cache, its tenants, its classes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from http_client import StreamThread, wait_until
from sentiric_llama.engine.fake import FakeEngine

KEYS = (
    "app:user:u,other:user:o,voice:user+realtime:v,gw:user@acme+globex:g,"
    "scrape:metrics:m,ops:admin:a"
)
USER = [{"role": "user", "content": "hello"}]


def chat(server: Any, key: str, tenant: str | None = None, **fields: Any) -> Any:
    headers = {"X-Api-Key": key} | ({} if tenant is None else {"X-Tenant-Id": tenant})
    return server.post("/v1/chat/completions", {"messages": USER, **fields}, headers)


def get(server: Any, path: str, key: str) -> Any:
    return server.request("GET", path, headers={"X-Api-Key": key})


@pytest.fixture(scope="module")
def ring(start_shared: Any) -> Any:
    return start_shared(api_keys=KEYS)


def test_statistics_show_a_user_its_own_calls(start: Any) -> None:
    server = start(lambda: FakeEngine("0123456789" * 50, delay_s=0.02), api_keys=KEYS)
    streams = [
        StreamThread(server.port, "x", headers={"X-Api-Key": key, "X-Request-Id": f"of-{key}"})
        for key in ("u", "v")
    ]
    assert wait_until(lambda: all(stream.pieces for stream in streams))

    def ids(key: str) -> set[str]:
        return {call["request_id"] for call in get(server, "/v1/stats", key).json["running"]}

    assert ids("u") == {"of-u"} and ids("v") == {"of-v"}
    assert ids("o") == ids("m") == set()
    assert ids("a") == {"of-u", "of-v"}
    assert get(server, "/v1/stats", "o").json["requests"]["running"] == 2


def test_the_stream_of_statistics_is_the_callers_too(start: Any) -> None:
    server = start(lambda: FakeEngine("0123456789" * 50, delay_s=0.02), api_keys=KEYS)
    call = StreamThread(server.port, "x", headers={"X-Api-Key": "u", "X-Request-Id": "mine"})
    assert wait_until(lambda: bool(call.pieces))
    for key, seen in (("u", True), ("o", False), ("a", True)):
        import http.client

        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        connection.request("GET", "/v1/stats/stream", headers={"X-Api-Key": key})
        line = connection.getresponse().readline()
        connection.close()
        running = json.loads(line.removeprefix(b"data: "))["running"]
        assert bool(running) is seen, key


def test_tenants(ring: Any) -> None:
    assert chat(ring, "g", "acme").status == 200
    assert chat(ring, "g", 'Some("globex")').status == 200
    refused = chat(ring, "g", "initech")
    assert refused.status == 403 and refused.error["code"] == "permission_denied"
    assert refused.error["type"] == "permission_error" and "initech" not in refused.error["message"]
    assert chat(ring, "u", "initech").status == 200  # a label
    for value in ("a b", "a/../b", "x" * 65, 'Some("a b")'):
        refused = chat(ring, "u", value)
        assert refused.status == 400 and refused.error["code"] == "invalid_argument", value
        assert "x-tenant-id" in refused.error["message"] and value not in refused.error["message"]
    assert ring.get("/health", x_tenant_id="a b").status == 200  # probes never fail for it


def test_a_malformed_tenant_is_refused_without_keys(server: Any) -> None:
    reply = server.post("/v1/chat/completions", {"messages": USER}, {"X-Tenant-Id": "a b"})
    assert reply.status == 400 and "x-tenant-id" in reply.error["message"]


def test_scopes_and_shares_reach_the_engine(ring: Any) -> None:
    ring.engine.requests.clear()
    for key, tenant in (("u", None), ("u", "acme"), ("o", "acme"), ("g", "acme"), ("g", None)):
        assert chat(ring, key, tenant).status == 200
    got = [(request.cache_scope, request.tenant) for request in ring.engine.requests]
    assert got == [
        ("app", "app"),
        ("app", "app"),
        ("other", "other"),
        ("gw/acme",) * 2,
        ("gw",) * 2,
    ]


def test_without_keys_all_callers_are_one(start: Any) -> None:
    server = start()
    for tenant in ("a", "b"):
        server.post("/v1/chat/completions", {"messages": USER}, {"X-Tenant-Id": tenant})
    assert [request.cache_scope for request in server.engine.requests] == ["", ""]
    assert [request.tenant for request in server.engine.requests] == ["a", "b"]


def test_the_class_realtime_needs_its_right(ring: Any) -> None:
    for key in ("v", "a"):
        assert chat(ring, key, priority="realtime").status == 200
    refused = chat(ring, "u", priority="realtime")
    assert refused.status == 403 and refused.error["type"] == "permission_error"
    assert "realtime" in refused.error["message"] and "user+realtime" in refused.error["message"]
    assert chat(ring, "u", priority="batch").status == 200


def test_without_keys_every_class_is_open(server: Any) -> None:
    assert server.chat(priority="realtime").status == 200


def test_the_system_prompt_is_for_admins(start: Any) -> None:
    server = start(api_keys=KEYS, default_system_prompt="a secret of the house")
    for key, shown in (("u", None), ("a", "a secret of the house")):
        body = get(server, "/v1/hardware/config", key).json
        assert body["template_system_prompt"] == shown


def test_no_caller_continues_an_answer(server: Any) -> None:
    """Only the service itself knows which tokens an engine has sent."""
    server.engine.requests.clear()
    for name in ("delivered", "tag"):
        body = {"messages": USER, name: [5]}
        reply = server.post("/v1/chat/completions", body)
        assert reply.headers["x-ignored-fields"] == name
    assert [request.delivered for request in server.engine.requests] == [(), ()]
