# SPDX-License-Identifier: AGPL-3.0-only
"""Keys of a file over HTTP: roles, models, caches, revoking under traffic; never a key shown."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import pytest

from http_client import StreamThread, wait_until
from key_files import bearer, entry, key_of, write_keys
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.metrics.collector import make_registry

USER = [{"role": "user", "content": "hello"}]
OTHER = entry("other", models=["none-here"])
KEYS = (
    entry("app"),
    entry("scrape", roles=["metrics"]),
    entry("ops", roles=["admin"]),
    entry("narrow", models=["fake-model"]),
    entry("by-alias", models=["alias"]),
    OTHER,
    entry("voice", rights=["realtime"]),
    entry("gate", tenants=["acme", "globex"]),
    entry("old", expires="2020-01-31"),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_keys(tmp_path / "keys.json", *KEYS)
    return tmp_path / "keys.json"


def chat(server: Any, name: str, headers: dict[str, str] | None = None, **fields: Any) -> Any:
    body = {"messages": USER, **fields}
    return server.post("/v1/chat/completions", body, bearer(name) | (headers or {}))


def get(server: Any, url: str, name: str) -> Any:
    return server.request("GET", url, headers=bearer(name))


def test_roles_and_rights(start: Any, path: Path) -> None:
    server = start(keys_file=str(path))
    for name, models, stats in (
        *(("app", 200, 200), ("scrape", 403, 200), ("ops", 200, 200)),
        *(("nobody", 401, 401), ("old", 401, 401)),
    ):
        assert get(server, "/v1/models", name).status == models, name
        assert get(server, "/v1/stats", name).status == stats, name
    assert server.get("/v1/models").status == 401 and server.get("/health").status == 200
    assert get(server, "/v1/models", "old").error["message"] == "the API key has expired"
    assert chat(server, "voice", priority="realtime").status == 200
    refused = chat(server, "app", priority="realtime")
    assert refused.status == 403 and "file of keys" in refused.error["message"]


def test_models_of_a_key(start: Any, path: Path) -> None:
    server = start(keys_file=str(path))
    for name in ("app", "narrow", "by-alias"):
        for model in ({}, {"model": "fake-model"}, {"model": "alias"}, {"model": "default"}):
            assert chat(server, name, **model).status == 200
        assert [m["id"] for m in get(server, "/v1/models", name).json["data"]] == ["fake-model"]
        assert get(server, "/v1/models/fake-model", name).status == 200
    for model in ({}, {"model": "fake-model"}):
        refused = chat(server, "other", **model)
        assert refused.status == 403 and refused.error["type"] == "permission_error"
        assert refused.error["code"] == "permission_denied"
        text = "the key other may not use the model fake-model, allowed none-here"
        assert refused.error["message"] == f"[model] {text}"
    assert get(server, "/v1/models", "other").json["data"] == []
    for url in ("/v1/models/fake-model", "/v1/models/alias", "/v1/models/none-here"):
        missing = get(server, url, "other")
        assert missing.status == 404 and missing.error["code"] == "model_not_found"
        assert "fake-model" not in missing.error["message"]
    missing = chat(server, "other", model="typo")
    assert missing.status == 404 and "fake-model" not in missing.error["message"]
    assert server.post("/tokenize", {"content": "a"}, bearer("other")).status == 403


def test_prefixes_belong_to_keys_and_bound_tenants(start: Any, path: Path) -> None:
    server = start(keys_file=str(path), api_key="of-the-settings")
    for name, tenant in (("app", ""), ("app", "acme"), ("voice", ""), ("gate", "acme")):
        headers = {"X-Tenant-Id": tenant} if tenant else {}
        assert chat(server, name, headers).status == 200
    headers = {"X-Api-Key": "of-the-settings"}
    assert server.post("/v1/chat/completions", {"messages": USER}, headers).status == 200
    scopes = [request.cache_scope for request in server.engine.requests]
    assert scopes == ["app", "app", "voice", "gate/acme", "api-key"]
    assert chat(server, "gate", {"X-Tenant-Id": "initech"}).status == 403


def test_a_single_key_of_a_file_has_a_scope_of_its_own(start: Any, path: Path) -> None:
    server = start(keys_file=write_keys(path, entry("one"), entry("two")))
    assert chat(server, "one").status == 200
    write_keys(path, entry("two"))
    assert server.service.key_file.refresh()
    assert chat(server, "two").status == 200
    assert [r.cache_scope for r in server.engine.requests] == ["one", "two"]


def test_revoked_under_traffic(start: Any, path: Path) -> None:
    """Running answers end as they would; no new one begins."""
    engine = lambda: FakeEngine("0123456789" * 10, delay_s=0.02)  # noqa: E731
    server = start(engine, keys_file=write_keys(path, entry("app", concurrency=2), entry("stays")))
    file = server.service.key_file
    streams = [StreamThread(server.port, "x", headers=bearer("app")) for _ in range(2)]
    assert wait_until(lambda: all(stream.pieces for stream in streams))
    write_keys(path, entry("stays"))
    assert file.refresh()
    refused = chat(server, "app")
    assert refused.status == 401 and refused.error["code"] == "invalid_api_key"
    assert chat(server, "stays", max_tokens=1).status == 200
    assert [stream.text() for stream in streams] == ["0123456789" * 10] * 2
    write_keys(path, entry("stays"), entry("app", concurrency=1))
    assert file.refresh() and chat(server, "app", max_tokens=1).status == 200


def test_the_watch_takes_a_change_over(start: Any, path: Path) -> None:
    server = start(keys_file=str(path), keys_reload_s=0.01)
    watching = server.call(_started(server.service))
    write_keys(path, *KEYS, entry("new", requests_per_minute=1))
    assert wait_until(lambda: get(server, "/v1/models", "new").status == 200)
    path.write_text("{")
    time.sleep(0.05)  # the watch looks at it a few times
    assert get(server, "/v1/models", "new").status == 200
    server.loop.call_soon_threadsafe(watching.cancel)


def test_what_is_said_of_a_file_that_is_gone(start: Any, path: Path) -> None:
    """It opens nothing, and health and metrics say that its keys are refused."""
    server = start(keys_file=str(path), admin_key="admin-of-the-settings")
    file = server.service.key_file
    assert server.get("/health").json["keys"] == "current" and _shown_state(server) == "current"
    path.unlink()
    assert not file.refresh() and not file.refresh()
    health = server.get("/health")
    assert health.status == 200 and health.json["keys"] == "lost" and _shown_state(server) == "lost"
    assert chat(server, "app").status == 401 and server.get("/v1/models").status == 401
    admin = {"authorization": "Bearer admin-of-the-settings"}
    assert server.request("GET", "/v1/models", headers=admin).status == 200
    write_keys(path, *KEYS)
    assert file.refresh() and chat(server, "app").status == 200
    assert "keys" not in start().get("/health").json


def _shown_state(server: Any) -> str:
    async def samples() -> list[Any]:
        families = make_registry(server.service).collect()
        return [s for f in families if f.name == "llm_key_file_state" for s in f.samples]

    (state,) = [sample.labels["state"] for sample in server.call(samples()) if sample.value]
    return str(state)


async def _started(service: Any) -> Any:
    import asyncio

    return asyncio.get_running_loop().create_task(service.watch_keys())


def test_no_key_is_shown_anywhere(
    start: Any, path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    server = start(keys_file=write_keys(path, entry("app", requests_per_minute=1), OTHER))
    bodies = [chat(server, name).body for name in ("app", "app", "other", "canary")]
    bodies += [get(server, url, "app").body for url in ("/v1/stats", "/v1/models", "/nope")]
    path.write_text(key_of("app"))
    assert not server.service.key_file.refresh()
    write_keys(path, {"name": key_of("app"), key_of("other"): key_of("app")})
    assert not server.service.key_file.refresh()

    async def scrape() -> str:
        from prometheus_client.exposition import generate_latest

        return generate_latest(make_registry(server.service)).decode()

    shown = server.call(scrape())
    assert 'llm_key_requests_total{key="app",outcome="ok"} 1.0' in shown
    assert 'llm_key_refusals_total{key="app",reason="requests"} 1.0' in shown
    assert 'llm_key_refusals_total{key="other",reason="model"} 1.0' in shown
    logged = [str(vars(record)) for record in caplog.records]
    texts = [*(body.decode() for body in bodies), shown, caplog.text, *capfd.readouterr(), *logged]
    for name in ("app", "other", "canary"):
        hashed = entry(name)["hash"].removeprefix("sha256:")
        for text in texts:
            assert (
                key_of(name) not in text and hashed not in text and key_of(name)[-12:] not in text
            )
