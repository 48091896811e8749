# SPDX-License-Identifier: AGPL-3.0-only
"""The key: every route of the router, with no key, a wrong one and the right one."""

from __future__ import annotations

import http.client
import socket
from typing import Any

import pytest
from starlette.routing import Route

from sentiric_llama.access.rights import Access
from sentiric_llama.http import app as http_app
from sentiric_llama.http.app import build_app
from sentiric_llama.http.middleware.guard import GuardedRoute
from sentiric_llama.service.service import LlamaService
from sentiric_llama.settings.config import Settings

KEY = "correct-horse"
NONE: dict[str, str] = {}
WRONG = [
    {"Authorization": "Bearer wrong"},
    {"Authorization": f"Bearer {KEY}x"},
    {"Authorization": KEY},
    {"Authorization": f"Basic {KEY}"},
    {"Authorization": "Bearer"},
    {"Authorization": "Bearer "},
    {"X-Api-Key": "wrong"},
    {"X-Api-Key": ""},
    {"X-Api-Key": f"Bearer {KEY}"},
]
RIGHT = [
    {"Authorization": f"Bearer {KEY}"},
    {"Authorization": f"bearer  {KEY}"},
    {"X-Api-Key": KEY},
]


ENDLESS = ("GET", "/v1/stats/stream")


def all_routes() -> list[tuple[str, str, Access]]:
    app = build_app(LlamaService(Settings()), Settings())
    found = []
    for route in app.routes:
        assert isinstance(route, GuardedRoute)
        for method in sorted(route.methods or ()):
            found.append((method, route.path.replace("{name:path}", "fake-model"), route.needs))
    return found


@pytest.fixture(scope="module")
def locked(start_shared: Any, tmp_path_factory: Any) -> Any:
    profiles = tmp_path_factory.mktemp("profiles") / "profiles.json"
    profiles.write_text('{"profiles": {}}')
    return start_shared(api_key=KEY, profiles_path=str(profiles))


PUBLIC = {"/", "/docs", "/health", "/health/live", "/health/ready", "/v1/health"} | {
    f"/static/{name}" for name in ("page.js", "sse.js", "page.css", "docs.css", "icon.svg")
}
NOTHING_THERE = {"/v1/requests/{id}", "/context/fake-model"}
NOTHING_THERE |= {f"/v1/responses/{{id}}{rest}" for rest in ("", "/cancel", "/input_items")}
ADMIN = {("POST", "/v1/models/switch"), ("POST", "/v1/hardware/config")}


def test_what_is_public_and_what_is_an_admins() -> None:
    """A second list, so that a slip of a declaration is noticed."""
    public = {path for _, path, needs in all_routes() if needs is Access.PUBLIC}
    admin = {(method, path) for method, path, needs in all_routes() if needs is Access.ADMIN}
    assert public == PUBLIC and admin == ADMIN


def test_a_route_without_a_declaration_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    build_routes = http_app.build_routes

    def with_another(*args: Any) -> list[Any]:
        return [*build_routes(*args), Route("/v1/undeclared", lambda _: None, methods=["GET"])]

    monkeypatch.setattr(http_app, "build_routes", with_another)
    with pytest.raises(TypeError, match="/v1/undeclared"):
        build_app(LlamaService(Settings()), Settings())


@pytest.mark.parametrize(("method", "path", "needs"), all_routes())
def test_every_route(locked: Any, method: str, path: str, needs: Access) -> None:
    body = {} if method == "POST" else None
    is_public = needs is Access.PUBLIC
    for headers in [NONE, *WRONG]:
        status = locked.request(method, path, body, headers).status
        assert (status == 200) if is_public else (status == 401), (headers, status)
    for headers in RIGHT:
        if (method, path) == ENDLESS:
            assert status_of(locked.port, path, headers) == 200
        else:
            status = locked.request(method, path, body, headers).status
            allowed = (404,) if path in NOTHING_THERE else (200, 400)
            assert status == 403 if needs is Access.ADMIN else status in allowed


def status_of(port: int, path: str, headers: dict[str, str]) -> int:
    """The status of an answer that is not read."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path, headers=headers)
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.parametrize(
    "path",
    [
        "/nope",
        "//",
        "//health",
        "/health/",
        "/Health",
        "/health/../v1/models",
        "/health%2f..%2fv1/models",
        "/v1/models?/health",
        "/v1/models#/health",
        "/static/",
        "/static/../../config.py",
        "/static/%2e%2e/app.py",
        "/v1/models/",
    ],
)
def test_what_is_not_listed_is_denied(locked: Any, path: str) -> None:
    assert locked.get(path).status in (401, 400)


@pytest.mark.parametrize(
    "head",
    [
        b"GET /v1/models HTTP/1.1\r\nHost: localhost/health?x=\r\n",
        b"GET /v1/models HTTP/1.1\r\nHost: a/#\r\n",
        b"GET /v1/models HTTP/1.1\r\nHost: a/health\r\n",
        b"GET http://a/health/../v1/models HTTP/1.1\r\nHost: localhost\r\n",
        b"GET http://a/v1/models HTTP/1.1\r\nHost: /health\r\n",
        b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Prefix: /health\r\n",
        b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nX-Original-Url: /health\r\n",
        b"get /v1/models HTTP/1.1\r\nHost: localhost\r\n",
    ],
)
def test_host_and_proxy_headers_open_nothing(locked: Any, head: bytes) -> None:
    with socket.create_connection(("127.0.0.1", locked.port), timeout=5) as peer:
        peer.sendall(head + b"Connection: close\r\n\r\n")
        answer = b""
        while part := peer.recv(65536):
            answer += part
    assert answer.split()[1] in (b"401", b"400", b"421"), answer


MISSING = "no API key was sent; send Authorization: Bearer KEY or X-Api-Key: KEY"
INVALID = "the API key is not valid"
SEVERAL = "different API keys were sent; send one"


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({}, MISSING),
        ({"X-Api-Key": ""}, MISSING),
        ({"Authorization": "Bearer "}, MISSING),
        ({"Authorization": f"Basic {KEY}"}, MISSING),
        ({"X-Api-Key": "guess"}, INVALID),
        ({"Authorization": "Bearer guess"}, INVALID),
        ({"Authorization": "Bearer guess", "X-Api-Key": "guess"}, INVALID),
        ({"Authorization": "Bearer guess", "X-Api-Key": "other"}, SEVERAL),
        ({"Authorization": f"Bearer {KEY}", "X-Api-Key": "other"}, SEVERAL),
    ],
)
def test_refusals_say_what_is_wrong_with_the_key(
    start_shared: Any, locked: Any, headers: dict[str, str], message: str
) -> None:
    expected = {
        "message": message,
        "type": "authentication_error",
        "param": None,
        "code": "invalid_api_key",
    }
    admin_only = start_shared(admin_key=KEY)
    for reply in (
        locked.request("GET", "/v1/models", headers=headers),
        locked.request("GET", "/nope", headers=headers),
        admin_only.post("/v1/hardware/config", {}, headers),
    ):
        assert (reply.status, reply.error) == (401, expected)
        assert reply.headers["www-authenticate"] == "Bearer"
        assert b"guess" not in reply.body and KEY.encode() not in reply.body


def test_no_key_configured_means_open(server: Any) -> None:
    assert server.get("/v1/models").status == 200
    assert server.request("GET", "/v1/models", headers=WRONG[0]).status == 200


def test_cors_is_off_unless_configured(server: Any, start: Any) -> None:
    preflight = {"Origin": "https://a.example", "Access-Control-Request-Method": "POST"}
    for headers in (preflight, {"Origin": "null"}):
        reply = server.request("OPTIONS", "/v1/chat/completions", headers=headers)
        assert reply.status == 405
        assert not any(name.startswith("access-control") for name in reply.headers)
    cors = start(cors_origins="https://a.example", api_key=KEY)
    reply = cors.request("OPTIONS", "/v1/chat/completions", headers=preflight)
    assert reply.status == 200
    assert reply.headers["access-control-allow-origin"] == "https://a.example"
    other = preflight | {"Origin": "https://b.example"}
    reply = cors.request("OPTIONS", "/v1/chat/completions", headers=other)
    assert "access-control-allow-origin" not in reply.headers
    assert cors.request("GET", "/v1/models", headers={"Origin": "https://a.example"}).status == 401


KEYS = (
    "app:user:u-key, scrape:metrics:m-key\nboth:user+metrics:b-key\n# none:user:x\nops:admin:a:key"
)


@pytest.fixture(scope="module")
def ring(start_shared: Any) -> Any:
    return start_shared(api_keys=KEYS)


@pytest.mark.parametrize(
    ("key", "models", "stats"),
    [
        ("u-key", 200, 200),
        ("m-key", 403, 200),
        ("b-key", 200, 200),
        ("a:key", 200, 200),
        ("x", 401, 401),
        ("user", 401, 401),
        ("a", 401, 401),
    ],
)
def test_roles(ring: Any, key: str, models: int, stats: int) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    assert ring.request("GET", "/v1/models", headers=headers).status == models
    assert ring.request("GET", "/v1/stats", headers=headers).status == stats
    for path in ("/v1/stats/", "//v1/stats", "/v1/stats/nope"):
        status = ring.request("GET", path, headers=headers).status
        assert status == (404 if models == 200 else models), path


def test_a_missing_role_is_told_without_the_key(ring: Any) -> None:
    reply = ring.request("GET", "/v1/models", headers={"X-Api-Key": "m-key"})
    assert reply.error["type"] == "permission_error" and reply.error["code"] == "role_missing"
    assert "scrape" in reply.error["message"] and b"m-key" not in reply.body


def test_a_metrics_key_alone_locks_no_call(start: Any) -> None:
    assert start(api_keys="scrape:metrics:m").get("/v1/models").status == 200


def test_a_key_with_two_uses_has_both_roles(start: Any) -> None:
    server = start(api_key="one", metrics_key="one")
    assert server.request("GET", "/v1/models", headers={"X-Api-Key": "one"}).status == 200
