# SPDX-License-Identifier: AGPL-3.0-only
"""Every path of the router, with every method, by every role: answered as docs/security.md says.

The expectation is read from the table there. A route without a row fails; a row without one, too.
"""

from __future__ import annotations

import asyncio
import http.client
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from prometheus_client import CollectorRegistry
from starlette.routing import compile_path

from http_client import Reply
from sentiric_llama.access.api_key import ROLES
from sentiric_llama.http.app import build_app
from sentiric_llama.http.routes.metrics import build_metrics_app
from sentiric_llama.service.service import LlamaService
from sentiric_llama.settings.config import Settings
from sentiric_llama.settings.exposure import key_ring

PAGE = Path(__file__).parents[3] / "docs" / "security.md"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
METRICS = "/metrics"
"""On a port of its own."""
NO_ROLES = "public"
UNKNOWN = "/nope"
ENDLESS = "/v1/stats/stream"
CALLERS: dict[str, frozenset[str] | None] = {
    "nobody": None,
    "wrong": None,
    "user": frozenset({"user"}),
    "metrics": frozenset({"metrics"}),
    "both": frozenset({"user", "metrics"}),
    "admin": frozenset({"admin"}),
}
"""Name, which is the key as well -> the roles of the key; None without a valid one."""
KEYS = "\n".join(f"{n}:{'+'.join(sorted(roles))}:{n}" for n, roles in CALLERS.items() if roles)


class Row(NamedTuple):
    """A line of the table."""

    method: str
    path: str
    roles: frozenset[str]
    """Any of them is enough; empty for everybody."""
    is_off: bool
    """Without any key configured."""


def rows() -> Iterator[Row]:
    section = PAGE.read_text("utf-8").split("## Rights of the HTTP routes\n")[1].split("\n## ")[0]
    for method, path, roles, without in re.findall(
        r"^\| `(\w+) (\S+)` \| ([\w ]+) \| ([\w ()]+) \|$", section, re.MULTILINE
    ):
        allowed = frozenset() if roles == NO_ROLES else frozenset(roles.split(" or "))
        assert allowed <= set(ROLES) and without in ("open", "off (403)")
        yield Row(method, path, allowed, without != "open")


ROWS = [row for row in rows() if row.path != METRICS]
METRICS_ROWS = [row for row in rows() if row.path == METRICS]


class Expected(NamedTuple):
    """What the table says of a request."""

    roles: frozenset[str]
    is_off: bool
    allow: str = ""
    """For 405: the methods of the path. "" if there is the method."""
    is_known: bool = True


def expected(method: str, path: str, table: list[Row] = ROWS, unknown: str = "user") -> Expected:
    found = [row for row in table if compile_path(row.path)[0].match(path)]
    if not found:
        return Expected(frozenset({unknown, "admin"}), False, is_known=False)
    wanted = "GET" if method == "HEAD" else method
    same = [row for row in found if row.method == wanted]
    if same:
        return Expected(same[0].roles, same[0].is_off)
    methods = {row.method for row in found}
    allow = ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))
    return Expected(found[0].roles, found[0].is_off, allow)


def paths() -> list[str]:
    """Each path of the router with names put in."""
    routes = build_app(LlamaService(Settings()), Settings()).routes
    found = dict.fromkeys(getattr(route, "path", "") for route in routes)
    return [re.sub(r"{\w+(:path)?}", "some", path) for path in found] + [UNKNOWN]


def ask(server: Any, method: str, path: str, key: str = "") -> Reply:
    """An empty object is sent where a body belongs; an endless answer is not read."""
    headers = {"X-Api-Key": key} if key else {}
    body = {} if method in ("POST", "PUT", "PATCH") else None
    if path != ENDLESS or method != "GET":
        reply: Reply = server.request(method, path, body, headers)
        return reply
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        body_of = answer.read() if answer.status >= 400 else b""
        return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, body_of)
    finally:
        connection.close()


@pytest.fixture(scope="module")
def locked(start_shared: Any) -> Any:
    return start_shared(api_keys=KEYS)


def test_the_table_has_every_route_and_no_other() -> None:
    routes = build_app(LlamaService(Settings()), Settings()).routes
    served = {
        (method, getattr(route, "path", ""))
        for route in routes
        for method in (getattr(route, "methods", None) or set()) - {"HEAD"}
    }
    assert len(ROWS) > 30
    assert sorted((row.method, row.path) for row in ROWS) == sorted(served)
    assert {role for roles in CALLERS.values() if roles for role in roles} == set(ROLES)


def check_refusal(reply: Reply, method: str, path: str) -> None:
    """The shape of an error is that of the API that was called."""
    if method == "HEAD":
        return
    if path.startswith("/v1/messages"):
        assert reply.json["type"] == "error" and set(reply.error) == {"type", "message"}
        assert reply.json["request_id"] == reply.headers["request-id"]
    else:
        assert set(reply.error) == {"message", "type", "param", "code"}


def check_answer(reply: Reply, method: str, path: str, want: Expected) -> None:
    """Of a caller who may."""
    if want.allow:
        assert (reply.status, reply.headers["allow"]) == (405, want.allow)
        check_refusal(reply, method, path)
    elif not want.is_known:
        assert reply.status == 404
    else:
        assert reply.status in (200, 400, 404) and "allow" not in reply.headers


def check(
    reply: Reply, method: str, path: str, want: Expected, roles: frozenset[str] | None
) -> None:
    """The answer to a caller with these roles, None without a valid key."""
    if not want.roles:
        check_answer(reply, method, path, want)
    elif roles is None:
        assert reply.status == 401 and reply.headers["www-authenticate"] == "Bearer", method
        check_refusal(reply, method, path)
    elif not roles & want.roles:
        assert reply.status == 403, method
        check_refusal(reply, method, path)
    else:
        check_answer(reply, method, path, want)


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("path", paths())
def test_with_keys(locked: Any, path: str, caller: str) -> None:
    for method in METHODS:
        reply = ask(locked, method, path, "" if caller == "nobody" else caller)
        check(reply, method, path, expected(method, path), CALLERS[caller])


@pytest.mark.parametrize("path", paths())
def test_without_any_key_configured(server: Any, path: str) -> None:
    for method in METHODS:
        for key in ("", "any"):
            reply, want = ask(server, method, path, key), expected(method, path)
            if want.is_off:
                assert reply.status == 403
                check_refusal(reply, method, path)
            else:
                check_answer(reply, method, path, want)


# The metrics port


def ask_metrics(app: Any, method: str, path: str, key: str) -> Reply:
    """Asks the application itself: it has one path."""
    headers = [(b"host", b"localhost"), (b"x-api-key", key.encode())]
    scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode(),
             "query_string": b"", "headers": headers, "state": {}}  # fmt: skip
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    start, *parts = sent
    named = {name.decode().lower(): value.decode() for name, value in start["headers"]}
    return Reply(start["status"], named, b"".join(part.get("body", b"") for part in parts))


@pytest.mark.parametrize("caller", CALLERS)
def test_the_metrics_port(caller: str) -> None:
    settings = Settings(api_keys=KEYS)
    app = build_metrics_app(CollectorRegistry(), settings, key_ring(settings), 0)
    for path in (METRICS, UNKNOWN):
        for method in METHODS:
            reply = ask_metrics(app, method, path, "" if caller == "nobody" else caller)
            want = expected(method, path, METRICS_ROWS, "metrics")
            check(reply, method, path, want, CALLERS[caller])
