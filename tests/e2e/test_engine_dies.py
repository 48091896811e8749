# SPDX-License-Identifier: AGPL-3.0-only
"""A server whose engine process dies goes on; see docs/reliability.md."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from http_client import StreamThread, request, wait_until
from sentiric_llama.server.serve import EXIT_ENGINE_LOST
from server_process import ServerProcess

FIELDS: dict[str, Any] = {"temperature": 0.8, "seed": 5, "ignore_eos": True, "max_tokens": 300}


@pytest.fixture
def server(start: Any, tiny_q8_0: Path) -> ServerProcess:
    started: ServerProcess = start(tiny_q8_0, isolation="process", contexts=4, context_size=512)
    return started.wait_ready()


def engine_of(server: ServerProcess) -> int:
    """The engine process of a server; 0 while there is none."""
    pid = server.child.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    named = [int(child) for child in children if is_engine(child)]
    return named[0] if named else 0


def is_engine(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/comm").read_text().startswith("sentiric-engine")
    except OSError:
        return False


def test_a_killed_engine_costs_a_pause(server: ServerProcess) -> None:
    quiet = [StreamThread(server.port, f"tale {n}", **FIELDS).text() for n in range(6)]
    engine = engine_of(server)
    assert engine
    streams = [StreamThread(server.port, f"tale {n}", **FIELDS) for n in range(6)]
    assert wait_until(lambda: server.active == 4)
    os.kill(engine, signal.SIGKILL)
    assert [stream.text() for stream in streams] == quiet
    assert engine_of(server) not in (0, engine)
    (death,) = server.events("ENGINE_DIED")
    assert death["message"] == "SIGKILL from outside" and "tale" not in str(death)
    assert wait_until(lambda: server.get("/health/ready").status == 200)
    metrics = request(server.metrics_port, "GET", "/metrics").body.decode()
    assert 'llm_state{state="ready"} 1.0' in metrics
    server.signal()
    assert server.finish() == 0


def test_a_server_whose_engine_keeps_dying_ends_and_says_why(server: ServerProcess) -> None:
    deadline = time.monotonic() + 60
    while server.child.poll() is None and time.monotonic() < deadline:
        if engine := engine_of(server):
            os.kill(engine, signal.SIGKILL)
        time.sleep(0.05)
    assert server.finish() == EXIT_ENGINE_LOST
    (lost,) = server.events("ENGINE_LOST")
    assert "the engine process is lost: it died 6 times within a minute; last: " in lost["message"]


def test_the_server_never_loads_the_engine(server: ServerProcess) -> None:
    assert server.chat("hello", max_tokens=3).status == 200
    mapped = Path(f"/proc/{server.child.pid}/maps").read_text()
    assert "_host" in mapped and "sentiric_llama/_core" not in mapped and "libllama" not in mapped
    server.child.kill()
    engine = engine_of(server)
    server.child.wait()
    assert wait_until(lambda: not engine or not is_engine(str(engine)))
