# SPDX-License-Identifier: AGPL-3.0-only
"""Spans of requests: their tree, their times, what they never hold, and no cost without them."""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import subprocess
import sys
import threading
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.errors import NumericError, SentiricLlamaError
from sentiric_llama.host.environment import traces_wanted
from sentiric_llama.log.trace import CURRENT_TRACE, read_trace
from sentiric_llama.server import background
from sentiric_llama.service.chat_call import ChatCall
from sentiric_llama.service.models.slot import ServedModel
from sentiric_llama.service.service import LlamaService
from sentiric_llama.settings.config import Settings
from sentiric_llama.telemetry import tracing
from sentiric_llama.types import Message

SECRET = "a very private prompt"
PARENT = f"00-{'a' * 32}-{'b' * 16}-01"
CALL = ChatCall(messages=(Message("user", SECRET),), n=2)


def spans_of(headers: dict[str, str], engine: FakeEngine) -> tuple[ReadableSpan, ...]:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))

    async def main() -> None:
        service = LlamaService(Settings())
        service.attach(engine, ServedModel("m"))
        service.request_metrics.on_end.append(tracing.Tracing(provider).record)
        CURRENT_TRACE.set(read_trace(headers.get, "http", "r1"))
        with contextlib.suppress(SentiricLlamaError):
            await service.chat(CALL)

    asyncio.run(main())
    return exporter.get_finished_spans()


def test_phases_are_inside_the_request_and_it_is_inside_the_callers() -> None:
    spans = spans_of({"traceparent": PARENT}, FakeEngine("0123456789", delay_s=0.001))
    *phases, request = spans
    assert request.name == "chat m" and request.kind.name == "SERVER"
    assert request.parent and f"{request.parent.span_id:016x}" == "b" * 16
    assert request.context and f"{request.context.trace_id:032x}" == "a" * 32
    assert [span.name for span in phases] == ["queue", "prefill", "decode"] * 2
    for span in phases:
        assert span.parent == request.context
    queue, prefill, decode = phases[:3]
    assert request.start_time == queue.start_time
    assert queue.end_time == prefill.start_time and prefill.end_time == decode.start_time
    assert decode.start_time < decode.end_time and request.start_time < request.end_time
    assert dict(decode.attributes or {}) == {"sentiric.tokens": 10}


def test_attributes_hold_counts_and_no_texts() -> None:
    *_, request = spans_of({}, FakeEngine("0123456789"))
    assert request.parent is None
    attributes: dict[str, Any] = dict(request.attributes or {})
    assert attributes["gen_ai.request.model"] == "m"
    assert attributes["gen_ai.usage.input_tokens"] == len(SECRET)
    assert attributes["gen_ai.usage.output_tokens"] == 20
    assert attributes["gen_ai.response.finish_reasons"] == ("stop", "stop")
    assert attributes["sentiric.outcome"] == "ok" and attributes["sentiric.request_id"] == "r1"
    assert SECRET not in str(attributes) and "0123456789" not in str(attributes)


def test_failures_are_errors() -> None:
    *_, request = spans_of({}, FakeEngine("0123", fail=NumericError(SECRET), fail_after=2))
    assert request.status.status_code.name == "ERROR" and request.status.description == "numeric"
    assert (request.attributes or {})["error.type"] == "numeric"


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_SDK_DISABLED": "TRUE"}, False),
    ],
)
def test_its_own_variables_switch_it_on(environ: dict[str, str], wanted: bool) -> None:
    assert traces_wanted(environ) is wanted


def test_spans_leave_over_http(monkeypatch: pytest.MonkeyPatch) -> None:
    received: list[tuple[str, bytes]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    async def main() -> None:
        service = LlamaService(Settings())
        service.attach(FakeEngine("0123"), ServedModel("m"))
        async with background.spans(service):
            await service.chat(CALL)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as collector:
        url = f"http://127.0.0.1:{collector.server_port}"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        threading.Thread(target=collector.serve_forever, daemon=True).start()
        asyncio.run(main())
        collector.shutdown()
    ((path, body),) = received
    assert path == "/v1/traces" and SECRET.encode() not in body
    assert b"prefill" in body and b"sentiric-llm-llama-service" in body


def test_a_missing_extra_is_told(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setattr(tracing, "is_installed", lambda: False)

    async def main() -> None:
        async with background.spans(LlamaService(Settings())):
            pass

    asyncio.run(main())
    assert "[otel]" in caplog.text


def test_nothing_is_imported_when_nobody_asks() -> None:
    program = (
        "import asyncio, sys\n"
        "from sentiric_llama.server import background, serve\n"
        "from sentiric_llama.service import service\n"
        "from sentiric_llama.settings import config\n"
        "async def main():\n"
        "    async with background.spans(service.LlamaService(config.Settings())): pass\n"
        "asyncio.run(main())\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "[]\n", done
