# SPDX-License-Identifier: AGPL-3.0-only
"""The metrics port over a socket: formats, headers, the key."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from http_client import Reply, request
from observe_tools import Scrape
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.server import listening, servers
from sentiric_llama.service.models.slot import ServedModel
from sentiric_llama.service.service import LlamaService
from sentiric_llama.settings.config import Settings
from sentiric_llama.tls.setup import TlsSetup

OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


def ask(*asked: tuple[str, str, dict[str, str]], **settings: Any) -> Sequence[Reply]:
    """Answers of a metrics port to (method, path, headers)."""

    async def main() -> list[Reply]:
        service = LlamaService(Settings(**settings))
        service.attach(FakeEngine(), ServedModel("m"))
        with listening.bind("127.0.0.1", 0) as listener:
            port = listener.getsockname()[1]
            async with servers.serve_metrics(service, listener, TlsSetup()):
                return [
                    await asyncio.to_thread(request, port, method, path, None, headers)
                    for method, path, headers in asked
                ]

    return asyncio.run(main())


def test_text_of_prometheus() -> None:
    (reply,) = ask(("GET", "/metrics", {}))
    assert reply.status == 200
    assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert int(reply.headers["process-start-time-unix"]) > 1_700_000_000
    scrape = Scrape(reply.body.decode())
    assert scrape.value("llm_ready") == 1
    for family in scrape.families:
        assert family.documentation and family.type != "unknown", family.name


def test_openmetrics_for_those_who_ask() -> None:
    (reply,) = ask(("GET", "/metrics", {"accept": OPENMETRICS}))
    assert reply.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert reply.body.endswith(b"# EOF\n")


def test_nothing_else_is_here() -> None:
    replies = ask(
        ("GET", "/", {}),
        ("GET", "/v1/models", {}),
        ("DELETE", "/metrics", {}),
        ("GET", "/metrics/", {}),
    )
    assert [reply.status for reply in replies] == [404, 404, 405, 404]


def test_the_key() -> None:
    replies = ask(
        ("GET", "/metrics", {}),
        ("GET", "/metrics", {"authorization": "Bearer wrong"}),
        ("GET", "/metrics", {"authorization": "Bearer sesame"}),
        ("GET", "/health", {}),
        ("GET", "/metrics", {"authorization": "Bearer other"}),
        ("GET", "/health", {"authorization": "Bearer sesame"}),
        metrics_key="sesame",
        api_key="other",
    )
    assert [reply.status for reply in replies] == [401, 401, 200, 401, 403, 404]
    assert b"llm_" not in replies[0].body and b"sesame" not in replies[2].body


def test_the_role() -> None:
    sent = [("GET", "/metrics", {"x-api-key": key}) for key in ("u", "m", "a", "")]
    replies = ask(*sent, api_keys="app:user:u,scrape:metrics:m,ops:admin:a")
    assert [reply.status for reply in replies] == [403, 200, 200, 401]
    assert [reply.status for reply in ask(*sent[3:], api_keys="app:user:u")] == [200]


def test_switched_off() -> None:
    async def main() -> None:
        async with servers.serve_metrics(LlamaService(Settings()), None, TlsSetup()):
            assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())
