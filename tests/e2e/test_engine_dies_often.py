# SPDX-License-Identifier: AGPL-3.0-only
"""A whole server whose engine processes die again and again among fifteen streams over HTTP."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import faulty_server
import models
import native_programs
from http_client import StreamThread, request, wait_until
from process_tools import EACH, KILLS, SCHEMA, Held, children_of, held_by, private_bytes
from server_process import ServerProcess

ADMIN = {"Authorization": "Bearer operators"}
SEEDED: dict[str, Any] = {"temperature": 0.8, "ignore_eos": True, "max_tokens": 60}
GREEDY = SEEDED | {"temperature": 0}
OBJECT = {"type": "json_schema", "json_schema": {"name": "x", "schema": json.loads(SCHEMA)}}
KINDS: tuple[dict[str, Any], ...] = (
    GREEDY,
    {"temperature": 0.8, "max_tokens": 60, "response_format": OBJECT},
    {"temperature": 0.8, "max_tokens": 60, "response_format": {"type": "json_object"}},
    SEEDED | {"stop": ["e ", "zz"]},
    SEEDED | {"lora_adapter": "poems"},
    SEEDED | {"logprobs": True, "top_logprobs": 2},
)
VARIETY = [
    fields | {"seed": number} for number, fields in enumerate((*KINDS, *[SEEDED] * 9), start=1)
]
"""Fifteen streams, of which four run at a time."""
ROUNDS = max(10, KILLS)
SETTLED = 10
"""Deaths after which the server has grown to its size."""
GROWTH = 4 * 2**20
"""What its heap may vary by. A record that stayed of each death and of what it had read, from 10 to
100 deaths, would be more."""


@pytest.fixture
def server(start: Any, tmp_path: Path) -> ServerProcess:
    native_programs.built("process/faulty-engine")
    folder = tmp_path / "adapters"
    folder.mkdir()
    models.adapter("poems", "small-q8_0", folder / "poems.gguf")
    small = models.model("small-q8_0")
    broken = tmp_path / "!fault:load:segv.gguf"
    broken.symlink_to(small)
    found = {name: {"model_id": str(path)} for name, path in {"a": small, "b": broken}.items()}
    profiles = tmp_path / "profiles.json"
    profiles.write_text(json.dumps({"active_profile": "a", "profiles": found}))
    started: ServerProcess = start(
        program=(sys.executable, faulty_server.__file__),
        isolation="process",
        profiles_path=profiles,
        admin_key="operators",
        contexts=4,
        context_size=512,
        queue_limit=64,
        lora_dir=folder,
    )
    return started.wait_ready()


def started_streams(server: ServerProcess) -> list[StreamThread]:
    return [StreamThread(server.port, "a tale", **fields) for fields in VARIETY]


def texts_of(server: ServerProcess) -> list[str]:
    return [stream.text() for stream in started_streams(server)]


def settled(server: ServerProcess, before: Held | None = None) -> Held:
    """What the server holds once all connections are closed; as before if it ever is."""
    wait_until(server.is_idle)
    wait_until(lambda: held_by(server.child.pid) == before, seconds=10 if before else 0.5)
    return held_by(server.child.pid)


def moment(record: dict[str, Any]) -> float:
    """When it was logged, in seconds."""
    return datetime.fromisoformat(record["ts"]).timestamp()


def counted(server: ServerProcess, name: str) -> int:
    text = request(server.metrics_port, "GET", "/metrics").body.decode()
    return int(sum(float(v) for v in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE)))


def test_a_server_survives_its_engine_again_and_again(
    server: ServerProcess, record_property: Callable[[str, object], None]
) -> None:
    quiet, chance = texts_of(server), random.Random(1)
    for number in range(1, ROUNDS + 1):
        (engine,) = children_of(server.child.pid)
        streams = started_streams(server)
        time.sleep(chance.random() * 0.3)
        os.kill(engine, signal.SIGKILL)
        assert [stream.text() for stream in streams] == quiet
        assert wait_until(lambda: len(server.events("ENGINE_RESTARTED")) == number)  # noqa: B023
        if number == SETTLED - 1:
            before = settled(server)
        if number == SETTLED:
            size = private_bytes(server.child.pid)
    assert settled(server, before) == before and before.children == before.pages == 1
    assert private_bytes(server.child.pid) - size < GROWTH
    deaths, restarts = server.events("ENGINE_DIED"), server.events("ENGINE_RESTARTED")
    assert server.child.poll() is None and len(deaths) == len(restarts) == ROUNDS
    total = (ROUNDS + 1) * len(VARIETY)
    assert counted(server, "llm_requests_total") == total
    assert counted(server, "llm_engine_requests_submitted_total") == total + 1  # the first try
    assert counted(server, "llm_engine_requests_completed_total") == total + 1
    assert counted(server, "llm_engine_requests_failed_total") == 0
    pauses = [moment(up) - moment(down) for down, up in zip(deaths, restarts, strict=True)]
    record_property("pauses", ("SIGKILL, by the server's log", pauses))


def test_a_model_that_dies_as_it_loads_leaves_the_other_alone(server: ServerProcess) -> None:
    """The switch fails with a typed error; fifteen streams of the old model notice nothing."""
    quiet = texts_of(server)
    (engine,) = children_of(server.child.pid)
    for number in range(max(2, EACH)):
        streams = started_streams(server)
        reply = server.post("/v1/models/switch", {"profile": "b"}, ADMIN)
        assert reply.status == 500 and reply.json["result"] == "failed"
        assert "ended while it loaded the model: SIGSEGV" in reply.json["message"]
        assert [stream.text() for stream in streams] == quiet
        if number == 0:
            before = settled(server)
    assert settled(server, before) == before and children_of(server.child.pid) == [engine]
    assert server.get("/health").json["current_profile"] == "a"
    assert not server.events("ENGINE_DIED")
    assert counted(server, "llm_engine_requests_failed_total") == 0
