# SPDX-License-Identifier: AGPL-3.0-only
"""Rights hold for every spelling of a path: none of them reaches what the key may not do."""

from __future__ import annotations

import http.client
import json
import random
from pathlib import Path
from typing import Any

import pytest

from gguf_files import sound
from sentiric_llama.access.api_key import Role
from sentiric_llama.access.rights import Access
from sentiric_llama.http.app import build_app
from sentiric_llama.http.middleware.guard import GuardedRoute
from sentiric_llama.service.service import LlamaService
from sentiric_llama.settings.config import Settings

KEYS = "app:user:u,scrape:metrics:m,both:user+metrics:b,ops:admin:a"
ROLES: dict[str, tuple[dict[str, str], frozenset[Role]]] = {
    "nobody": ({}, frozenset()),
    "wrong": ({"X-Api-Key": "x"}, frozenset()),
    "user": ({"X-Api-Key": "u"}, frozenset({"user"})),
    "metrics": ({"X-Api-Key": "m"}, frozenset({"metrics"})),
    "both": ({"X-Api-Key": "b"}, frozenset({"user", "metrics"})),
}
APPENDED = (
    *("\n", "\r", "\r\n", "\0", "\t", " ", ";", ";x=1", "/", "//", "/.", "/..", "\x0b", "\x85"),
    *("%0a", "%0A", "%0d%0a", "%0D%0A", "%00", "%09", "%20", "%3b", "%3B", "%2f", "%2F", "%2e"),
    *("%2E", "%c2%85", "%C2%85", "%e2%80%a8", "%ff", "%250a", "%3f", "%3F", "%23", "?", "?x", "#"),
)
PATHS_PER_ROLE = 2000


def declared() -> list[tuple[str, str, Access]]:
    """Method, path and declaration of every route."""
    routes = build_app(LlamaService(Settings()), Settings()).routes
    return [
        (method, route.path.replace("{name:path}", "fake-model"), route.needs)
        for route in routes
        if isinstance(route, GuardedRoute)
        for method in sorted(route.methods or ())
        if route.path != "/v1/stats/stream"  # it never ends; the guard is the same
    ]


def mutated(path: str, rng: random.Random) -> str:
    """Another spelling of the path, as it goes over the wire."""
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(1, len(path) + 1)
        kind = rng.randrange(7)
        if kind <= 2:
            path += rng.choice(APPENDED)
        elif kind == 3:
            path = path[:at] + rng.choice(APPENDED) + path[at:]
        elif kind == 4:
            path = path[: at - 1] + f"%{ord(path[at - 1]) & 0xFF:02{rng.choice('xX')}}" + path[at:]
        elif kind == 5:
            path = path[: at - 1] + path[at - 1].swapcase() + path[at:]
        else:
            path = rng.choice(("/", "/.", "/x/..", "/health/..", "//")) + path
    return path


class RawClient:
    """Sends a request line as it is, on one connection as long as it lasts."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection: http.client.HTTPConnection | None = None

    def status(self, method: str, target: str, headers: dict[str, str]) -> int:
        """The status of the answer; 400 when the connection was closed without one."""
        body = "{}" if method == "POST" else ""
        names = {"Host": "localhost", "Content-Type": "application/json", **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in names.items())
        raw = f"{method} {target} HTTP/1.1\r\n{head}Content-Length: {len(body)}\r\n\r\n{body}"
        if self._connection is None or self._connection.sock is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
            self._connection.connect()
        try:
            self._connection.sock.sendall(raw.encode("latin-1"))
            answer = http.client.HTTPResponse(self._connection.sock, method=method)
            answer.begin()
            answer.read()
        except (http.client.HTTPException, OSError):
            self.close()
            return 400
        if answer.will_close:
            self.close()
        return answer.status

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


@pytest.fixture(scope="module")
def model(tmp_path_factory: Any) -> Path:
    path: Path = tmp_path_factory.mktemp("mutated") / "m.gguf"
    path.write_bytes(sound())
    return path


@pytest.fixture(scope="module")
def locked(start_shared: Any, model: Path) -> Any:
    """A server with every kind of key, and a profile to switch to."""
    return start_shared(api_keys=KEYS, profiles_path=str(profiles_in(model.parent, model)))


@pytest.fixture(scope="module")
def default(start_shared: Any, model: Path) -> Any:
    """What `serve` starts without any setting, with a profile at hand."""
    return start_shared(profiles_path=str(profiles_in(model.parent, model)))


def profiles_in(folder: Path, model: Path) -> Path:
    path = folder / "profiles.json"
    path.write_text(json.dumps({"profiles": {"": {"model_id": str(model)}}}))
    return path


def check_unchanged(server: Any) -> None:
    assert server.service.switch is None and server.service.settings.gpu_layers == -1


@pytest.mark.parametrize("role", ROLES)
def test_every_path_with_every_tail(locked: Any, role: str) -> None:
    headers, roles = ROLES[role]
    client = RawClient(locked.port)
    for method, path, needs in declared():
        may = needs is Access.PUBLIC or bool(roles & set(needs.roles))
        for tail in APPENDED:
            status = client.status(method, path + tail, headers)
            assert may or status in (400, 401, 403, 404, 405), (method, path, tail, status)
    client.close()
    check_unchanged(locked)


@pytest.mark.parametrize("role", ROLES)
def test_two_thousand_spellings(locked: Any, role: str) -> None:
    headers, roles = ROLES[role]
    rng, client, routes = random.Random(role), RawClient(locked.port), declared()
    public = {path for _, path, needs in routes if needs is Access.PUBLIC}
    statuses = set()
    for _ in range(PATHS_PER_ROLE):
        method, path, needs = rng.choice(routes)
        target = mutated(path, rng)
        status = client.status(rng.choice((method, "POST", "GET")), target, headers)
        statuses.add(status)
        is_public = needs is Access.PUBLIC or target.partition("?")[0] in public
        may_call = is_public or bool(roles & {"user", "metrics"})
        assert status != 200 or may_call, (method, target)
    client.close()
    assert statuses <= {200, 400, 401, 403, 404, 405, 415, 431, 503}
    check_unchanged(locked)


def test_the_default_server_answers_nothing_that_changes_it(default: Any) -> None:
    rng, client = random.Random(7), RawClient(default.port)
    changing = [(method, path) for method, path, needs in declared() if needs is Access.ADMIN]
    assert changing
    for method, path in changing:
        targets = [path, *(path + tail for tail in APPENDED)]
        targets += [mutated(path, rng) for _ in range(PATHS_PER_ROLE // 2)]
        for target in targets:
            assert client.status(method, target, {}) in (400, 403, 404, 405), target
    client.close()
    check_unchanged(default)


def test_control_characters_never_reach_the_router(default: Any) -> None:
    client = RawClient(default.port)
    for code in (*range(0x20), 0x7F, *range(0x80, 0xA0)):
        for path in ("/health", "/v1/models/", "/nope"):
            text = "".join(f"%{byte:02X}" for byte in chr(code).encode())
            assert client.status("GET", path + text, {}) == 400, (path, code)
    client.close()
