# SPDX-License-Identifier: AGPL-3.0-only
"""Which hosts the server answers for, and which web pages may send what."""

from __future__ import annotations

import random
import socket
import string
from typing import Any

import pytest

USER = {"messages": [{"role": "user", "content": "hello"}]}


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "LOCALHOST", "localhost:16070", "localhost.", "127.0.0.1", "127.0.0.1:1"),
        *("127.8.9.1", "[::1]", "[::1]:16070", "studio.localhost", "[::ffff:127.0.0.1]"),
    ],
)
def test_names_of_this_machine(server: Any, host: str) -> None:
    assert server.request("GET", "/health", headers={"Host": host}).status == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.test", "evil.test:16070", "127.0.0.1.nip.io", "localhost.evil.test", "0.0.0.0"),
        *("10.0.0.1", "[::2]", "[fe80::1]", "localhost@evil.test", "localhost/x", "evil.test#", ""),
        *("localhost:x", "localhost:123456", "a b", "[::1", "::1", "xn--localhost", "localhost,x"),
    ],
)
def test_foreign_names(server: Any, host: str) -> None:
    for path in ("/health", "/v1/models", "/"):
        reply = server.request("GET", path, headers={"Host": host})
        assert reply.status == 421 and reply.error["code"] == "host_not_allowed", host
    assert server.post("/v1/chat/completions", USER, {"Host": host}).status == 421
    assert not host or host not in reply.error["message"]


def test_random_names_are_foreign(server: Any) -> None:
    rng = random.Random(11)
    alphabet = string.ascii_lowercase + string.digits + "..-:[]%@/"
    for _ in range(300):
        host = "".join(rng.choice(alphabet) for _ in range(rng.randint(1, 24)))
        assert server.request("GET", "/health", headers={"Host": host}).status == 421, host


def test_names_of_the_operator(start: Any) -> None:
    server = start(allowed_hosts="llm.example.com, *.Apps.example.com,10.1.2.3")
    ours = "llm.example.com LLM.example.com:443 a.apps.example.com a.b.apps.example.com 10.1.2.3:1"
    others = "example.com x.llm.example.com apps.example.com xapps.example.com 10.1.2.4"
    for hosts, status in ((ours, 200), (others, 421)):
        for host in hosts.split():
            assert server.request("GET", "/health", headers={"Host": host}).status == status, host
    assert server.get("/health").status == 200
    assert start(allowed_hosts="*").request("GET", "/health", headers={"Host": "x.y"}).status == 200


@pytest.mark.parametrize(
    "origin",
    [
        *("https://evil.test", "null", "http://localhost.evil.test", "x", "", "http://["),
        *("http://[::1", "http://[x]", "://", "http://localhost@evil.test", "\xff"),
    ],
)
def test_pages_of_other_origins_may_not_send(server: Any, origin: str) -> None:
    server.engine.requests.clear()
    for path in ("/v1/chat/completions", "/tokenize", "/v1/models/switch", "/v1/hardware/config"):
        reply = server.post(path, USER, {"Origin": origin})
        assert reply.status == 403 and reply.error["code"] == "origin_not_allowed"
    for method in ("PUT", "PATCH", "DELETE"):
        assert server.request(method, "/v1/models", headers={"Origin": origin}).status == 403
    assert not server.engine.requests
    assert server.request("GET", "/health", headers={"Origin": origin}).status == 200


def test_the_own_page_may(server: Any) -> None:
    own = f"http://localhost:{server.port}"
    headers = {"Origin": own, "Host": f"localhost:{server.port}"}
    assert server.post("/v1/chat/completions", USER, headers).status == 200
    proxied = {"Origin": "https://localhost", "Host": "localhost"}  # TLS ends at a proxy
    assert server.post("/v1/chat/completions", USER, proxied).status == 200
    other_port = {"Origin": "http://localhost:3000", "Host": f"localhost:{server.port}"}
    assert server.post("/v1/chat/completions", USER, other_port).status == 403


def test_permitted_origins_may(start: Any) -> None:
    server = start(cors_origins="https://a.example")
    for origin, status in (("https://a.example", 200), ("https://b.example", 403)):
        reply = server.post("/v1/chat/completions", USER, {"Origin": origin})
        assert reply.status == status


def ask(server: Any, target: str, host: str = "localhost", method: str = "GET") -> bytes:
    head = f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
    if method == "POST":
        head += "Content-Type: application/json\r\nContent-Length: 0\r\n"
    head += "\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as peer:
        peer.sendall(head.encode())
        return b"".join(iter(lambda: peer.recv(65536), b""))


def test_a_whole_url_as_target(server: Any) -> None:
    for target in ("http://localhost/health", "HTTP://127.0.0.1:1/health", "https://localhost/"):
        assert ask(server, target).startswith(b"HTTP/1.1 200 "), target
    assert ask(server, "http://localhost").startswith(b"HTTP/1.1 200 ")
    assert ask(server, "http://localhost/no%2Fwhere?x=/y").startswith(b"HTTP/1.1 404 ")


def test_the_host_of_a_whole_url_counts(server: Any) -> None:
    """The header says something else: a proxy may have written either."""
    assert ask(server, "http://localhost/health", host="evil.test").startswith(b"HTTP/1.1 200 ")
    for target in ("http://evil.test/health", "http:///health", "http://localhost@evil.test/"):
        assert ask(server, target).startswith(b"HTTP/1.1 421 "), target


def test_a_whole_url_opens_no_door(start: Any) -> None:
    server = start(api_key="k" * 32)
    assert ask(server, "http://localhost/v1/models").startswith(b"HTTP/1.1 401 ")
    target = "http://localhost/v1/models/switch"
    assert ask(server, target, method="POST").startswith((b"HTTP/1.1 401 ", b"HTTP/1.1 403 "))


BROWSER_CLIENT = (
    *("authorization", "content-type", "x-stainless-os", "x-stainless-retry-count", "openai-beta"),
    *("openai-organization", "cache-control", "baggage", "tracestate", "x-of-tomorrow"),
    *("x-api-key", "anthropic-version", "anthropic-beta"),
    "anthropic-dangerous-direct-browser-access",
)


def test_headers_that_clients_add_pass_a_preflight(start: Any) -> None:
    server = start(cors_origins="https://a.example")
    headers = {
        "Origin": "https://a.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": ", ".join(BROWSER_CLIENT),
    }
    reply = server.request("OPTIONS", "/v1/chat/completions", headers=headers)
    allowed = reply.headers["access-control-allow-headers"].lower()
    assert reply.status in (200, 204) and set(BROWSER_CLIENT) <= set(allowed.split(", "))
    foreign = headers | {"Origin": "https://b.example"}
    reply = server.request("OPTIONS", "/v1/chat/completions", headers=foreign)
    assert "access-control-allow-origin" not in reply.headers


def test_a_page_may_cancel_and_read_what_clients_need(start: Any) -> None:
    server = start(cors_origins="https://a.example")
    headers = {"Origin": "https://a.example", "Access-Control-Request-Method": "DELETE"}
    assert server.request("OPTIONS", "/v1/requests/x", headers=headers).status == 200
    reply = server.request("GET", "/health", headers={"Origin": "https://a.example"})
    exposed = set(reply.headers["access-control-expose-headers"].split(", "))
    assert exposed >= {
        *("retry-after", "retry-after-ms", "x-request-id", "x-should-retry"),
        *("x-queue-position", "x-ratelimit-remaining-requests", "x-ratelimit-reset-tokens"),
    }
