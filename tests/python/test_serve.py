# SPDX-License-Identifier: AGPL-3.0-only
"""The command as a process: start, banner, signals, drain, exit codes. The engine is a fake."""

from __future__ import annotations

import asyncio
import dataclasses
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic.fields import FieldInfo

from gguf_files import sound
from sentiric_llama.engine.fake import FAKE_INFO
from sentiric_llama.errors import InvalidArgument, Unavailable
from sentiric_llama.models import ModelFile
from sentiric_llama.server import listening, load_progress, serve
from sentiric_llama.server.banner import banner, curl_line
from sentiric_llama.server.places import places_of
from sentiric_llama.service.models import loader
from sentiric_llama.service.models.slot import ServedModel
from sentiric_llama.settings.config import Settings
from sentiric_llama.settings.sections.engine import Engine
from sentiric_llama.types import EngineConfig

PROGRAM = """
import asyncio, socket, sys
from sentiric_llama import cli
from sentiric_llama.server import serve
from sentiric_llama.service.models import loader
from sentiric_llama.errors import ModelInvalid
from sentiric_llama.engine.fake import FakeEngine
load_s, delay_s, fail = float(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
async def open_fake(opening, config, on_progress):
    await asyncio.sleep(load_s)
    if fail == "invalid":
        raise ModelInvalid("weights are missing", where="model")
    return FakeEngine("0123456789", delay_s=delay_s)
loader.OpeningHere.open = open_fake
if fail == "late port":  # somebody takes it between the check and gRPC
    serve.listen = lambda resolved, name, listen=serve.listen: (
        socket.socket() if name == "grpc_port" else listen(resolved, name)
    )
sys.exit(cli.main(["serve", "--isolation", "inprocess", *sys.argv[4:]]))
"""
PROMPT = "a very private prompt"


class Process:
    """`sentiric-llama serve` on a free port, standard error read as JSON lines."""

    def __init__(self, model: Path, *flags: str, load_s: float = 0, delay_s: float = 0,
                 fail: str = "", **environment: str) -> None:  # fmt: skip
        numbers = [str(load_s), str(delay_s), fail]
        # The file is no model: its memory cannot be planned.
        ports = ["--http-port", "0", "--grpc-port", "0", "--metrics-port", "0"]
        fixed = [str(model), *ports, "--fit", "off"]
        command = [sys.executable, "-c", PROGRAM, *numbers, *fixed, *flags]
        keep = {k: v for k, v in os.environ.items() if not k.startswith("LLM_LLAMA_")}
        keep["LLM_LLAMA_SERVICE_DRAIN_SETTLE_S"] = "0"
        self.child = subprocess.Popen(
            command, env=keep | environment, stderr=subprocess.PIPE, text=True
        )
        self.lines: list[dict[str, Any]] = []

    def wait_for(self, event: str) -> dict[str, Any]:
        assert self.child.stderr is not None
        for line in self.child.stderr:
            self.lines.append(json.loads(line))
            if self.lines[-1]["event"] == event:
                return self.lines[-1]
        raise AssertionError(f"no {event} in {self.lines}")

    def port(self) -> int:
        message = self.wait_for("SERVICE_START")["message"]
        return int(re.search(r":(\d+),", message)[1])  # type: ignore[index]

    def finish(self) -> int:
        assert self.child.stderr is not None
        self.lines += [json.loads(line) for line in self.child.stderr]
        return self.child.wait(20)

    def close(self) -> None:
        self.child.kill()
        self.child.wait(20)
        if self.child.stderr:
            self.child.stderr.close()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(sound())
    return path


@pytest.fixture
def spawn(model: Path) -> Iterator[Any]:
    running: list[Process] = []

    def start(*flags: str, **options: Any) -> Process:
        running.append(Process(model, *flags, **options))
        return running[-1]

    yield start
    for process in running:
        process.close()


def get(port: int, path: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path)
    reply = connection.getresponse()
    status, body = reply.status, json.loads(reply.read())
    connection.close()
    return status, body


def start_chat(port: int, *, stream: bool = True) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    body = {"messages": [{"role": "user", "content": PROMPT}], "stream": stream}
    connection.request(
        "POST",
        "/v1/chat/completions",
        json.dumps(body),
        {"Content-Type": "application/json", "X-Trace-Id": 'Some("trace-1")'},
    )
    return connection


def test_listens_before_it_is_ready_and_stops_in_order(spawn: Any) -> None:
    process = spawn(load_s=1)
    port = process.port()
    assert get(port, "/health")[0] == 503
    ready = process.wait_for("ALL_SERVERS_READY")
    assert f"http://127.0.0.1:{port}" in ready["message"] and "curl" in ready["message"]
    assert get(port, "/health")[0] == 200
    reply = start_chat(port, stream=False).getresponse()
    assert json.loads(reply.read())["choices"][0]["message"]["content"] == "0123456789"
    process.child.send_signal(signal.SIGTERM)
    assert process.finish() == 0
    assert process.lines[-1]["event"] == "SERVICE_SHUTDOWN"
    done = [line for line in process.lines if line["event"] == "HTTP_UNARY_COMPLETE"]
    assert done[0]["trace_id"] == "trace-1" and done[0]["attributes"]["completion_tokens"] == 10
    text = json.dumps(process.lines)
    assert PROMPT not in text and "0123456789" not in text


def test_drain_lets_answers_finish(spawn: Any) -> None:
    process = spawn(delay_s=0.1)
    port = process.port()
    process.wait_for("ALL_SERVERS_READY")
    reply = start_chat(port).getresponse()
    process.child.send_signal(signal.SIGTERM)
    process.wait_for("SERVICE_DRAINING")
    status, body = get(port, "/health/ready")
    assert status == 503 and body["status"] == "draining"
    assert start_chat(port).getresponse().status == 503
    assert b"[DONE]" in reply.read()
    assert process.finish() == 0


def test_drain_ends_in_time(spawn: Any) -> None:
    process = spawn("--drain-timeout-s", "0.2", delay_s=0.5)
    port = process.port()
    process.wait_for("ALL_SERVERS_READY")
    reply = start_chat(port).getresponse()
    process.child.send_signal(signal.SIGTERM)
    last = reply.read().decode().strip().split("\n\n")[-1]
    assert json.loads(last.removeprefix("data: "))["error"]["code"] == "unavailable"
    assert process.finish() == 0


def test_second_signal_means_now(spawn: Any) -> None:
    process = spawn(delay_s=5)
    port = process.port()
    process.wait_for("ALL_SERVERS_READY")
    pending = start_chat(port, stream=False)
    process.wait_for("HTTP_CHAT_REQUEST")
    process.child.send_signal(signal.SIGINT)
    process.wait_for("SERVICE_DRAINING")
    process.child.send_signal(signal.SIGINT)
    assert process.finish() == serve.EXIT_INTERRUPTED
    pending.close()


def test_signal_while_loading(spawn: Any) -> None:
    process = spawn(load_s=30)
    process.port()
    started = time.monotonic()
    process.child.send_signal(signal.SIGTERM)
    assert process.finish() == 0
    assert time.monotonic() - started < 20


def test_failures_have_their_exit_codes(spawn: Any, model: Path) -> None:
    process = spawn(fail="invalid")
    assert process.finish() == 4
    assert process.lines[-1]["event"] == "SERVICE_FAILED"
    assert "weights are missing" in process.lines[-1]["message"]
    model.unlink()
    process = spawn()
    assert process.finish() == 3 and "no file" in process.lines[-1]["message"]


def test_public_address(spawn: Any) -> None:
    production = {"LLM_LLAMA_SERVICE_ENV": "production"}
    process = spawn("--host", "0.0.0.0", **production)
    assert process.finish() == 2 and "API_KEY" in process.lines[-1]["message"]
    process = spawn("--host", "0.0.0.0")
    warning = process.wait_for("SERVICE_CONFIGURED")
    assert warning["severity"] == "WARN" and "public" in warning["message"]


def test_production_wants_certificates(spawn: Any) -> None:
    production = {"LLM_LLAMA_SERVICE_ENV": "production"}
    process = spawn(**production)
    assert process.finish() == 2
    assert "GRPC_TLS_CA_PATH" in process.lines[-1]["message"]
    process = spawn("--grpc-insecure", **production)
    assert process.wait_for("TLS_DISABLED")["severity"] == "WARN"
    process.wait_for("ALL_SERVERS_READY")


def test_a_grpc_port_in_use(spawn: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = spawn("--grpc-port", str(taken.getsockname()[1]))
        assert process.finish() == 9
    (failed,) = [line for line in process.lines if line["severity"] == "ERROR"]
    assert failed["message"].endswith(
        f"choose another port with --grpc-port ({listening.SECOND_SERVER})"
    )


@pytest.mark.parametrize("isolation", ["process", "inprocess"])
def test_a_grpc_port_that_is_taken_late_ends_the_load(
    isolation: str, spawn: Any, guide_path: Path
) -> None:
    """The model is being loaded, or is there already; nothing of it is left."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        flags = ["--grpc-port", str(taken.getsockname()[1]), "--model-path", str(guide_path)]
        silent = {"GRPC_VERBOSITY": "NONE"}  # gRPC's core writes lines of its own
        process = spawn(*flags, "--isolation", isolation, fail="late port", **silent)
        assert process.finish() == 9
    failed = process.lines[-1]
    assert failed["event"] == "SERVICE_FAILED" and "for gRPC" in failed["message"]
    events = [line["event"] for line in process.lines]
    assert not {"ALL_SERVERS_READY", "SERVICE_START", "ASYNCIO"} & set(events)
    for line in process.lines:
        if line["event"] == "ENGINE_CONFINED":
            assert not Path(f"/proc/{line['attributes']['pid']}").exists()
    assert ("ENGINE_CONFINED" in events) == (isolation == "process")


def test_a_signal_while_the_engine_process_loads(spawn: Any, guide_path: Path) -> None:
    process = spawn("--model-path", str(guide_path), "--isolation", "process")
    pid = process.wait_for("ENGINE_CONFINED")["attributes"]["pid"]
    process.child.send_signal(signal.SIGTERM)
    assert process.finish() == 0
    assert process.lines[-1]["event"] == "SERVICE_SHUTDOWN"
    assert not Path(f"/proc/{pid}").exists()


def test_port_in_use() -> None:
    with listening.bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Unavailable, match="HTTP_PORT"):
            listening.bind("127.0.0.1", port)
        with pytest.raises(Unavailable, match=r"choose another port with --http-port \(a second"):
            listening.bind("127.0.0.1", port, "--host", "--http-port")
    with pytest.raises(InvalidArgument, match=r"--host: unknown host 'host\.invalid'"):
        listening.bind("host.invalid", 0, "--host")
    with pytest.raises(InvalidArgument, match=r"--host: 192\.0\.2\.7 is not an address of this"):
        listening.bind("192.0.2.7", 0, "--host")


@pytest.mark.parametrize(
    ("flags", "code", "word"),
    [
        (["--grpc-port", "{taken}"], 9, "choose another port with --grpc-port"),
        (["--metrics-port", "{taken}"], 9, "choose another port with --metrics-port"),
        (["--http-port", "{taken}"], 9, "choose another port with --http-port"),
        (["--http-port", "7", "--grpc-port", "7"], 2, "HTTP and gRPC cannot share port 7"),
        (["--host", "host.invalid"], 2, "--host: unknown host"),
        (["--cache-type-v", "q8_0", "--flash-attention", "off"], 2, "needs flash attention"),
        (["--model-path", "{folder}/nope.gguf"], 3, "no file"),
        (["--model-path", "{folder}/pipe"], 4, "is a named pipe"),
        (["--tls", "cert", "--cert-path", "{folder}/pipe"], 2, "half configured"),
    ],
)
def test_what_is_known_before_is_said_before(
    flags: list[str], code: int, word: str, spawn: Any, tmp_path: Path
) -> None:
    """One line, and no port was taken."""
    os.mkfifo(tmp_path / "pipe")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        names = {"taken": taken.getsockname()[1], "folder": tmp_path}
        process = spawn(*(flag.format(**names) for flag in flags))
        _, told = process.child.communicate(timeout=20)
    assert process.child.returncode == code, told
    assert len(told.splitlines()) == 1 and word in told, told


def test_dead_peers_are_noticed() -> None:
    with (
        listening.bind("127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            limit = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
            assert limit == 60_000


def test_urls() -> None:
    with listening.bind("0.0.0.0", 0) as listener:
        assert listening.url_of(listener).startswith("http://127.0.0.1:")
        port = listener.getsockname()[1]
        places = places_of(listener, "grpcs://0.0.0.0:7", "https")
        typed = f"https://127.0.0.1:{port}", "grpcs://127.0.0.1:7"
        assert (places.http, places.grpc) == typed, "what a caller can type"
        assert places.bound == f"https://0.0.0.0:{port}, grpcs://0.0.0.0:7"
    if socket.has_ipv6:
        try:
            with listening.bind("::1", 0) as listener:
                assert listening.url_of(listener).startswith("http://[::1]:")
                assert listening.bound_url(listener) == listening.url_of(listener)
        except Unavailable:
            pass


def test_engine_configuration(guide_path: Path) -> None:
    guide = ModelFile(guide_path, "sentiric-guide", is_guide=True)
    assert loader.engine_config(Settings(), guide).context_size == 1024  # as it was trained
    assert loader.engine_config(Settings(context_size=4096), guide).context_size == 4096
    assert loader.engine_config(Settings(context_size=256), guide).context_size == 256
    other = ModelFile(Path("m.gguf"), "m")
    config = loader.engine_config(Settings(compute_threads=3, physical_batch_size=64), other)
    assert (config.context_size, config.compute_threads, config.physical_batch_size) == (
        4096,
        3,
        64,
    )


NO_SETTING = {
    "model_path", "draft_model",  # found by the settings' names
    "tenant_weights", "chat_template", "embedding_pooling",
}  # fmt: skip


def another(field: FieldInfo) -> object:
    """A value that is allowed and not the default."""
    if choices := get_args(field.annotation):
        return next(value for value in choices if value != field.default)
    return {bool: lambda v: not v, int: lambda v: v + 1, str: lambda v: v + "x"}[
        type(field.default)
    ](field.default)


def test_every_setting_of_the_engine_reaches_it() -> None:
    names = {field.name for field in dataclasses.fields(EngineConfig)} - NO_SETTING
    values = {name: another(Settings.model_fields[name]) for name in names}
    model = ModelFile(Path("m.gguf"), "m", draft=Path("d.gguf"))
    config = loader.engine_config(Settings.model_validate(values), model)
    assert {name: getattr(config, name) for name in names} == values
    assert (config.model_path, config.draft_model) == ("m.gguf", "d.gguf")


def test_no_setting_of_the_engine_is_forgotten() -> None:
    assert {*loader.NOT_SETTINGS, "model_path", "draft_model"} == NO_SETTING
    names = {field.name for field in dataclasses.fields(EngineConfig)}
    assert set(Engine.model_fields) - names == {"fit", "isolation"}  # how and where it is opened


def test_served_names() -> None:
    model = ModelFile(Path("x/tiny-Q8_0.gguf"), "org/repo")
    named = loader.served_model(Settings(model_alias="gpt, chat"), model)
    assert named.name == "gpt" and named.aliases == ("chat", "org/repo", "tiny-Q8_0.gguf")
    assert not named.answers_to_all
    any_name = loader.served_model(Settings(model_alias="*"), model)
    assert any_name.answers_to_all and "*" not in (any_name.name, *any_name.aliases)
    plain = loader.served_model(Settings(), model)
    assert plain.name == "org/repo" and plain.notice == ""
    guide = loader.served_model(Settings(), ModelFile(Path("g.gguf"), "sentiric-guide", True))
    assert "serve" in guide.notice and guide.notice.isascii()


def test_a_large_model_shows_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal, a line for each tenth; nowhere else, and not for what is there at once."""
    parts = [tmp_path / f"m-0000{n}-of-00002.gguf" for n in (1, 2)]
    for path in parts:
        path.write_bytes(b"")
        os.truncate(path, 400 * 2**20)
    held = iter([2**30 + n * 100 * 2**20 for n in range(20)])
    told: list[str] = []
    monkeypatch.setattr(load_progress, "resident_bytes", lambda: next(held))
    monkeypatch.setattr(load_progress, "print_stderr", told.append)
    monkeypatch.setattr(load_progress, "EVERY_S", 0)

    async def load(path: Path) -> None:
        async with load_progress.load_progress(path):
            for _ in range(30):
                await asyncio.sleep(0)

    monkeypatch.setattr(load_progress, "is_watched", lambda: False)
    asyncio.run(load(parts[0]))
    monkeypatch.setattr(load_progress, "is_watched", lambda: True)
    monkeypatch.setattr(load_progress, "LARGE_BYTES", 2**40)
    asyncio.run(load(parts[0]))
    assert not told
    monkeypatch.setattr(load_progress, "LARGE_BYTES", 0)
    asyncio.run(load(parts[0]))
    assert told[0] == "loading m-00001-of-00002.gguf: 10 % of 800.0 MiB"
    assert told[-1].endswith(": 90 % of 800.0 MiB") and len(told) <= 9


def test_banner_tells_what_a_person_needs() -> None:
    guide = ServedModel("sentiric-guide", notice="x")
    text = banner(Settings(), guide, FAKE_INFO, "http://127.0.0.1:16070")
    for part in ("http://127.0.0.1:16070", "sentiric-guide", "4 x 4096", "curl", "serve ", "no,"):
        assert part in text
    locked = Settings(api_key="secret")
    text = banner(locked, ServedModel("m"), FAKE_INFO, "http://h")
    assert "secret" not in text and "API_KEY" in curl_line(locked, "http://h")
    assert "guide" not in text
