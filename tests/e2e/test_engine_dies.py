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
from server_process import ServerProcess, is_engine

FIELDS: dict[str, Any] = {"temperature": 0.8, "seed": 5, "ignore_eos": True, "max_tokens": 300}


@pytest.fixture
def server(start: Any, tiny_q8_0: Path) -> ServerProcess:
    started: ServerProcess = start(tiny_q8_0, isolation="process", contexts=4, context_size=512)
    return started.wait_ready()


def test_a_killed_engine_costs_a_pause(server: ServerProcess) -> None:
    quiet = [StreamThread(server.port, f"tale {n}", **FIELDS).text() for n in range(6)]
    engine = server.engine_pid
    assert engine
    streams = [StreamThread(server.port, f"tale {n}", **FIELDS) for n in range(6)]
    assert wait_until(lambda: server.active == 4)
    os.kill(engine, signal.SIGKILL)
    assert [stream.text() for stream in streams] == quiet
    assert server.engine_pid not in (0, engine)
    (death,) = server.events("ENGINE_DIED")
    assert death["message"] == "SIGKILL from outside" and "tale" not in str(death)
    assert wait_until(lambda: server.get("/health/ready").status == 200)
    metrics = request(server.metrics_port, "GET", "/metrics").body.decode()
    assert 'llm_state{state="ready"} 1.0' in metrics
    for count in ("restarts_total", "requests_resubmitted_total", "requests_quarantined_total"):
        expected = {"restarts_total": 1, "requests_resubmitted_total": 6}.get(count, 0)
        (line,) = (
            line for line in metrics.splitlines() if line.startswith(f"llm_engine_{count}{{")
        )
        assert float(line.rpartition(" ")[2]) == expected, line
    process = server.get("/v1/stats").json["model"]["engine_process"]
    assert process == {"pid": server.engine_pid, "restarts": 1, "resubmitted": 6, "quarantined": 0}
    server.signal()
    assert server.finish() == 0


def test_a_server_whose_engine_keeps_dying_ends_and_says_why(server: ServerProcess) -> None:
    deadline = time.monotonic() + 60
    while server.child.poll() is None and time.monotonic() < deadline:
        if engine := server.engine_pid:
            os.kill(engine, signal.SIGKILL)
        time.sleep(0.05)
    assert server.finish() == EXIT_ENGINE_LOST
    (lost,) = server.events("ENGINE_LOST")
    assert (
        "the engine process crashed 6 times within a minute and will not be restarted; last: "
        in lost["message"]
    )


def test_memory_counts_the_engine_process(server: ServerProcess) -> None:
    def private(pid: int) -> int:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("RssAnon"))

    engine = private(server.engine_pid)
    assert engine > 2**20
    shown = server.get("/v1/stats").json["memory"]["anonymous_bytes"]
    assert abs(shown - engine - private(server.child.pid)) < engine / 2


def test_the_memory_of_the_engine_process_has_a_bound(server: ServerProcess) -> None:
    limits = Path(f"/proc/{server.engine_pid}/limits").read_text().splitlines()
    (bound,) = (line.split()[3] for line in limits if line.startswith("Max data size"))
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 2**30 < int(bound) < 2 * total
    own = Path(f"/proc/{server.child.pid}/oom_score_adj").read_text()
    assert int(Path(f"/proc/{server.engine_pid}/oom_score_adj").read_text()) > int(own)


def test_the_server_never_loads_the_engine(server: ServerProcess) -> None:
    assert server.chat("hello", max_tokens=3).status == 200
    mapped = Path(f"/proc/{server.child.pid}/maps").read_text()
    assert "_host" in mapped and "sentiric_llama/_core" not in mapped and "libllama" not in mapped
    engine = server.engine_pid
    server.child.kill()
    server.child.wait()
    assert wait_until(lambda: not is_engine(engine))
