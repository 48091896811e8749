# SPDX-License-Identifier: AGPL-3.0-only
"""What a start imports, and in which order. Counted, because time depends on the machine."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest

from http_client import wait_until
from sentiric_llama.rpc.generated import engine_pb2
from server_process import ServerProcess

UNNEEDED = {
    *("numpy", "cryptography", "huggingface_hub", "structlog", "dotenv"),
    *("tomllib", "filelock", "opentelemetry", "sentiric_llama.models.store"),
    *("sentiric_llama.http.openapi", "sentiric_llama.http.schemas.chat_answer"),
}
"""Only some requests or settings need them: together they would double the start."""

TELL = """
import gc, json, os, signal, sys
def tell(*_):
    facts = {"modules": list(sys.modules), "frozen": gc.get_freeze_count(), "on": gc.isenabled()}
    with open(os.environ["TELL"] + "~", "w") as file:
        json.dump(facts, file)
    os.replace(os.environ["TELL"] + "~", os.environ["TELL"])
signal.signal(signal.SIGUSR1, tell)
"""

Facts = Callable[[ServerProcess], dict[str, Any]]


@pytest.fixture
def facts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Facts:
    """Asks a server that is started after this fixture for its modules, oldest first."""
    (tmp_path / "sitecustomize.py").write_text(TELL)
    path = tmp_path / "facts.json"
    inherited = os.environ.get("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{inherited}".rstrip(":"))
    monkeypatch.setenv("TELL", str(path))

    def ask(server: ServerProcess) -> dict[str, Any]:
        path.unlink(missing_ok=True)
        server.signal(signal.SIGUSR1)
        assert wait_until(path.exists)
        told: dict[str, Any] = json.loads(path.read_text())
        return told

    return ask


def chat_over_grpc(server: ServerProcess) -> str:
    with grpc.insecure_channel(server.grpc_address) as channel:
        method = "/sentiric.llama.v1.EngineService/Chat"
        call = channel.unary_stream(
            method,
            engine_pb2.ChatRequest.SerializeToString,
            engine_pb2.ChatEvent.FromString,
        )
        question = engine_pb2.ChatMessage(role="user", content="hello")
        events = call(engine_pb2.ChatRequest(messages=[question]), timeout=60)
        return "".join(event.delta.text for event in events)


@pytest.mark.parametrize("isolation", ["process", "inprocess"])
def test_a_start_imports_what_a_chat_needs_and_nothing_else(
    isolation: str, facts: Facts, start: Any
) -> None:
    server: ServerProcess = start(isolation=isolation).wait_ready()
    before = facts(server)
    assert sorted(UNNEEDED & set(before["modules"])) == []
    assert before["on"] and before["frozen"] > 10_000, "collects, but not what was imported"
    assert server.chat("hello").status == 200
    assert server.chat("hello", stream=True).status == 200
    assert chat_over_grpc(server)
    late = set(facts(server)["modules"]) - set(before["modules"])
    assert sorted(late) == [], "the first chat waits for an import"
    assert server.get("/openapi.json").json["openapi"]
    assert set(facts(server)["modules"]) & UNNEEDED, "the names of modules are out of date"


def test_the_engine_starts_first_then_http_then_grpc(facts: Facts, start: Any) -> None:
    server: ServerProcess = start(isolation="process").wait_ready()
    modules = facts(server)["modules"]
    order = (
        *("sentiric_llama.engine.process.launch", "starlette.applications"),
        *("sentiric_llama.http.app", "grpc", "prometheus_client"),
    )
    assert sorted(order, key=modules.index) == list(order)
