# SPDX-License-Identifier: AGPL-3.0-only
"""Thirty changes of the model, each to an engine process of its own: the old one leaves nothing."""

from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

import models
from http_client import StreamThread, wait_until
from process_tools import Held, children_of, held_by, private_bytes
from server_process import ServerProcess

ADMIN = {"Authorization": "Bearer operators"}
LONG = {"temperature": 0, "ignore_eos": True, "max_tokens": 200}
CHANGES = 30
SETTLED = 10
"""Changes after which the server has grown to its size."""
NOISE = 2**20
"""What its heap may vary by: 20 changes must not add 50 KiB each."""


@pytest.fixture
def server(start: Any, tmp_path: Path) -> ServerProcess:
    files = {"a": models.model("small-q8_0"), "b": models.model("least-q8_0")}
    found = {name: {"model_id": str(path)} for name, path in files.items()}
    path = tmp_path / "profiles.json"
    path.write_text(json.dumps({"active_profile": "a", "profiles": found}))
    settings = {"profiles_path": path, "admin_key": "operators", "contexts": 6}
    settings |= {"context_size": 512, "isolation": "process", "stall_timeout_s": 0}
    made: ServerProcess = start(**settings)
    return made.wait_ready()


def change(server: ServerProcess, profile: str) -> None:
    reply = server.post("/v1/models/switch", {"profile": profile}, ADMIN)
    assert reply.status == 200, reply.json


def started_stream(server: ServerProcess) -> StreamThread:
    """One that has said something, so that it is the current model's."""
    came = threading.Event()
    stream = StreamThread(server.port, "Merhaba", came.set, **LONG)
    assert came.wait(60)
    return stream


def suspended_stream(server: ServerProcess, engine: int) -> StreamThread:
    """One that cannot end before the change, as its engine process is suspended in the middle."""
    while True:
        stream = started_stream(server)
        os.kill(engine, signal.SIGSTOP)
        if server.active:
            return stream
        os.kill(engine, signal.SIGCONT)  # it was quicker than this
        stream.text()


def only_engine(server: ServerProcess) -> int:
    """The engine process, once those of earlier models are gone."""
    assert wait_until(lambda: len(children_of(server.child.pid)) == 1)
    return children_of(server.child.pid)[0]


def settled(server: ServerProcess, before: Held | None = None) -> Held:
    """What the server holds once the old process is gone; as before if it ever is."""
    only_engine(server)
    assert wait_until(server.is_idle)
    wait_until(lambda: held_by(server.child.pid) == before, seconds=10 if before else 0.5)
    return held_by(server.child.pid)


def test_thirty_changes_leave_nothing(server: ServerProcess) -> None:
    quiet = {}
    for profile in ("b", "a"):
        change(server, profile)
        quiet[profile] = started_stream(server).text()
    assert quiet["a"] != quiet["b"]
    now, engines = "a", set()
    for count in range(1, CHANGES + 1):
        old = only_engine(server)
        engines.add(old)
        stream, said = suspended_stream(server, old), quiet[now]
        now = {"a": "b", "b": "a"}[now]
        change(server, now)
        assert stream.is_alive() and old in children_of(server.child.pid)
        os.kill(old, signal.SIGCONT)
        assert stream.text() == said
        assert wait_until(lambda: old not in children_of(server.child.pid))  # noqa: B023
        if count == SETTLED:
            before, size = settled(server), private_bytes(server.child.pid)
    assert settled(server, before) == before and before.pages == 1
    assert private_bytes(server.child.pid) - size < NOISE
    assert len(engines) == CHANGES and len(server.events("MODEL_CLOSED")) == CHANGES + 2
    server.check_healthy()
