# SPDX-License-Identifier: AGPL-3.0-only
"""Models changed back and forth under traffic, with real engines: nothing is lost or mixed up."""

from __future__ import annotations

import json
import os
import re
import resource
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

import models
from http_client import Reply, StreamThread, wait_until
from hub_server import hub_server
from memory_group import memory_group
from sentiric_llama.client.server import Server
from sentiric_llama.engine.memory.fit import RESERVED_BYTES
from sentiric_llama.rpc.generated import llama_pb2, llama_pb2_grpc
from server_process import ServerProcess

pytestmark = pytest.mark.both_modes

ADMIN = {"Authorization": "Bearer operators"}
ASK = {"temperature": 0, "ignore_eos": True, "max_tokens": 16}
LONG = ASK | {"max_tokens": 120}
ROUNDS = 20
SETTLED = 4
"""Changes after which the process has grown to its size."""
POOL_THREADS = min(32, (os.cpu_count() or 1) + 4)
GROWTH = 24 * 2**20
"""Two vocabularies; a model that stayed at each change would be ten times as much."""


@pytest.fixture
def profiles(tmp_path: Path) -> Path:
    """Two that say different things, one that ends in its weights, one that lacks some of them."""
    files = {"a": models.model("small-q8_0"), "b": models.model("least-q8_0")}
    files["corrupt"] = tmp_path / "corrupt.gguf"
    whole = files["a"].read_bytes()
    files["corrupt"].write_bytes(whole[: len(whole) // 2])
    files["broken"] = tmp_path / "broken.gguf"  # only the engine notices
    files["broken"].write_bytes(whole.replace(b"output_norm.weight", b"output_form.weight"))
    found = {"active_profile": "a", "profiles": {n: {"model_id": str(p)} for n, p in files.items()}}
    path = tmp_path / "profiles.json"
    path.write_text(json.dumps(found))
    return path


@pytest.fixture
def server(start: Any, profiles: Path, monkeypatch: pytest.MonkeyPatch) -> ServerProcess:
    monkeypatch.setenv("MALLOC_ARENA_MAX", "1")  # else free memory lies about in several heaps
    made: ServerProcess = start(
        profiles_path=profiles, admin_key="operators", contexts=6, context_size=512
    )
    return made.wait_ready()


def switch(server: ServerProcess, profile: str) -> Reply:
    return server.post("/v1/models/switch", {"profile": profile}, ADMIN)


def model_of(server: ServerProcess) -> str:
    return str(server.get("/v1/models").json["data"][0]["id"])


class Traffic:
    """Callers who ask again and again, and one who looks after the health."""

    def __init__(self, server: ServerProcess, callers: int) -> None:
        self.answers: list[tuple[int, str, str]] = []
        """Status, model, text."""
        self.healths: list[int] = []
        self._server = server
        self._over = threading.Event()
        work = [self._ask] * callers + [self._look]
        self._threads = [threading.Thread(target=each, daemon=True) for each in work]
        for thread in self._threads:
            thread.start()

    def _ask(self) -> None:
        while not self._over.is_set():
            reply = self._server.chat("Merhaba", **ASK)
            found = (reply.json["model"], reply.text) if reply.status == 200 else ("", "")
            self.answers.append((reply.status, *found))

    def _look(self) -> None:
        while not self._over.wait(0.02):
            self.healths.append(self._server.get("/health").status)

    def end(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()


def test_twenty_changes_under_traffic(server: ServerProcess) -> None:
    said: dict[str, tuple[str, str]] = {}
    for profile in ("b", "a"):
        assert switch(server, profile).status == 200
        short, long = server.chat("Merhaba", **ASK), server.chat("Merhaba", **LONG)
        said[short.json["model"]] = (short.text, long.text)
    assert len(said) == 2 and len({short for short, _ in said.values()}) == 2
    traffic = Traffic(server, callers=2)
    sizes, now = [], "a"
    for count in range(ROUNDS):
        model, came = model_of(server), threading.Event()
        stream = StreamThread(server.port, "Merhaba", came.set, **LONG)
        assert came.wait(60)
        wanted = {4: "corrupt", 9: "broken"}.get(count % 10, {"a": "b", "b": "a"}[now])
        reply = switch(server, wanted)
        is_good = wanted in ("a", "b")
        assert reply.status == (200 if is_good else 500), reply.json
        now = wanted if is_good else now
        assert server.get("/health").json["current_profile"] == now
        assert stream.text() == said[model][1]  # the model that it began with
        sizes.append(server.get("/v1/stats").json["memory"]["anonymous_bytes"])
        if count == SETTLED:
            before = server.resources()
    traffic.end()
    assert {status for status, _, _ in traffic.answers} == {200}
    assert {model for _, model, _ in traffic.answers} == said.keys()
    assert all(text == said[model][0] for _, model, text in traffic.answers)
    assert set(traffic.healths) == {200}
    assert sizes[-1] - sizes[SETTLED] < GROWTH, sizes
    assert wait_until(server.is_idle)
    defects = {r["event"] for r in server.records if r["severity"] in ("ERROR", "FATAL")}
    assert defects == {"LLAMA_CPP_ERROR"}  # what it says of the broken file
    assert len(server.events("MODEL_SWITCHED")) == 2 + 16
    assert len(server.events("MODEL_SWITCH_FAILED")) == 4
    assert wait_until(lambda: len(server.events("MODEL_CLOSED")) == 18)
    descriptors, threads = server.resources()
    # The event loop's pool starts its threads as they are needed. A thread left by each change
    # would be more than it may have.
    assert ROUNDS - SETTLED > POOL_THREADS
    assert descriptors <= before[0] and threads <= before[1] + POOL_THREADS, (before, threads)


def test_grpc_follows(server: ServerProcess) -> None:
    fields = {"temperature": 0, "max_tokens": 100}
    texts = {}
    for profile in ("b", "a"):
        assert switch(server, profile).status == 200
        texts[profile] = server.chat("Merhaba", **fields).text
    with grpc.insecure_channel(server.grpc_address) as channel:
        health, stub = health_pb2_grpc.HealthStub(channel), llama_pb2_grpc.LlamaServiceStub(channel)
        watch = health.Watch(health_pb2.HealthCheckRequest())
        assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
        request = llama_pb2.GenerateStreamRequest(
            user_prompt="Merhaba",
            params=llama_pb2.GenerationParams(temperature=0, max_new_tokens=100),
        )
        running = stub.GenerateStream(request, timeout=60)
        said = next(running).token
        assert switch(server, "b").status == 200
        later = b"".join(part.token for part in stub.GenerateStream(request, timeout=60))
        said += b"".join(part.token for part in running)
        assert (said.decode(), later.decode()) == (texts["a"], texts["b"])
        states = list_of(health, watch)
    assert states == []  # it was serving all the time
    server.check_healthy()


@pytest.fixture(params=["inprocess", "process"])
def full(request: pytest.FixtureRequest, start: Any, tmp_path: Path) -> Iterator[ServerProcess]:
    """A server whose models take 510 MiB each, with room for half of one more.

    What limits both models is the address space, if they are in one process, else a control group.
    """
    settings = settings_of_large_models(tmp_path) | {"isolation": request.param}
    if request.param == "inprocess":
        server = start(**settings).wait_ready()
        server.chat("Merhaba", **LONG)
        limit_address_space(server, 256 * 2**20)
        yield server
        return
    with memory_group() as group:
        if group is None:
            pytest.skip("no control group can be made here")
        server = start(program=group.program, **settings).wait_ready()
        server.chat("Merhaba", **LONG)
        group.leave(384 * 2**20)  # it counts of the first one only what was touched: 290 MiB
        yield server
        server.close()


def settings_of_large_models(folder: Path) -> dict[str, Any]:
    sizes = {"context_size": 8192, "max_batch_size": 16}
    found = {n: {"model_id": str(models.model(f"tiny-{n}")), **sizes} for n in ("q8_0", "f16")}
    found["large"] = found["f16"] | {"max_batch_size": 256}
    path = folder / "profiles.json"
    path.write_text(json.dumps({"active_profile": "q8_0", "profiles": found}))
    return {"profiles_path": path, "admin_key": "operators"}


def limit_address_space(server: ServerProcess, free: int) -> None:
    status = Path(f"/proc/{server.child.pid}/status").read_text()
    size = int(re.findall(r"VmSize:\s+(\d+)", status)[0]) * 1024
    limit = size + RESERVED_BYTES + free
    resource.prlimit(server.child.pid, resource.RLIMIT_AS, (limit, limit))


@pytest.mark.skipif(sys.platform != "linux", reason="limits another process")
def test_without_room_for_two(full: ServerProcess) -> None:
    texts = full.chat("Merhaba", **LONG).text
    came = threading.Event()
    stream = StreamThread(full.port, "Merhaba", came.set, **LONG)
    assert came.wait(60)
    refused = switch(full, "large")  # not even alone: nothing is touched
    assert refused.status == 500 and refused.error["code"] == "out_of_memory"
    assert refused.json["result"] == "failed" and full.get("/health").status == 200
    reply = switch(full, "f16")
    assert reply.status == 200, reply.json["message"]
    assert stream.text() == texts  # the old model was closed after its last call
    assert full.chat("Merhaba", **ASK).json["model"] == "tiny-f16"
    names = [r["event"] for r in full.records if r["event"].startswith("MODEL_")]
    in_place, closed = names.index("MODEL_SWITCH_IN_PLACE"), names.index("MODEL_CLOSED")
    assert in_place < closed < names.index("MODEL_SWITCHED")
    full.check_healthy()


@pytest.mark.skipif(sys.platform != "linux", reason="limits another process")
def test_the_address_space_of_another_process_is_its_own(start: Any, tmp_path: Path) -> None:
    """What the server and the old engine take of theirs leaves the new one no less."""
    server = start(**settings_of_large_models(tmp_path), isolation="process").wait_ready()
    limit_address_space(server, 256 * 2**20)
    refused = switch(server, "large")
    assert refused.status == 500 and "address space limit" in refused.json["message"]
    for profile in ("f16", "q8_0"):
        reply = switch(server, profile)
        assert reply.status == 200, reply.json["message"]
    assert not server.events("MODEL_SWITCH_IN_PLACE")
    server.check_healthy()


def test_what_can_never_fit_is_refused_beside_a_stream(start: Any, tmp_path: Path) -> None:
    """512 GiB: refused by the header; the library, which tells what it reads, was not asked."""
    path = str(models.model("tiny-q8_0"))
    huge = {"model_id": path, "context_size": 2**20, "max_batch_size": 256}
    profiles = tmp_path / "profiles.json"
    found = {"small": {"model_id": path, "context_size": 4096}, "huge": huge}
    profiles.write_text(json.dumps({"active_profile": "small", "profiles": found}))
    settings = {"profiles_path": profiles, "admin_key": "operators", "log_level": "debug"}
    server = start(**settings, stream_interval_ms=0).wait_ready()
    came = threading.Event()
    stream = StreamThread(server.port, "Merhaba", came.set, **ASK | {"max_tokens": 3000})
    assert came.wait(60)
    replies = [switch(server, "huge") for _ in range(5)]
    during = len(stream.pieces)
    for reply in replies:
        assert reply.status == 500 and reply.error["code"] == "out_of_memory"
        assert re.search(r"host needs at least 5\d\d\.\d+ GiB", reply.error["message"])
    assert stream.text() and len(stream.pieces) > during, "it went on, and goes on"
    events = [record["event"] for record in server.records]
    assert events.count("MODEL_SWITCH_FAILED") == 5
    first = events.index("MODEL_SWITCH_START")
    read = [
        index for index, line in enumerate(server.lines) if "llama_model_loader: loaded" in line
    ]
    assert read and max(read) < first
    server.check_healthy()


def test_the_old_model_answers_while_the_new_one_is_fetched(
    start: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    content = {"org/repo": {"small-Q8_0.gguf": models.model("small-q8_0").read_bytes()}}
    path = tmp_path / "profiles.json"
    path.write_text(json.dumps({"profiles": {"new": {"model_id": "org/repo"}}}))
    with hub_server(content) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        hub.trouble.delay_s = 0.05
        server = start(profiles_path=path, admin_key="operators").wait_ready()
        client = Server(server.url, "operators")
        news, answers = [], []
        for item in client.events("/v1/models/switch", {"profile": "new", "stream": True}):
            news.append(item)
            answers.append((server.get("/health").status, server.chat("hi", max_tokens=1).status))
    assert set(answers) == {(200, 200)}
    done = [item["download"]["done"] for item in news if item.get("download")]
    assert len(set(done)) > 2 and done == sorted(done)
    assert [item["phase"] for item in news[:-1]] == sorted(item["phase"] for item in news[:-1])
    assert (
        news[-1]["status"] == "success"
        and server.get("/v1/models").json["data"][0]["id"] == "org/repo"
    )
    server.check_healthy()


def list_of(health: Any, watch: Any) -> list[int]:
    """The states that were told since the first one."""
    news: list[int] = []
    reader = threading.Thread(target=lambda: news.extend(read(watch)), daemon=True)
    reader.start()
    serving = health.Check(health_pb2.HealthCheckRequest())  # an answer later than any news
    assert serving.status == health_pb2.HealthCheckResponse.SERVING
    watch.cancel()
    reader.join(10)
    return news


def read(watch: Any) -> list[int]:
    found = []
    try:
        for message in watch:
            found.append(message.status)
    except grpc.RpcError:
        pass
    return found
