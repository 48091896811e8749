# SPDX-License-Identifier: AGPL-3.0-only
"""The command from start to exit: what it says, what stops it, how it ends."""

from __future__ import annotations

import http.client
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from http_client import open_chat, wait_until
from server_process import START_S, environment

pytestmark = pytest.mark.both_modes

LONG = {"ignore_eos": True, "max_tokens": 100_000, "stream": True}


def test_start_tells_what_a_person_needs(guide: Any) -> None:
    record = guide.wait_for("ALL_SERVERS_READY")
    assert guide.url in record["message"] and "built-in guide" in record["message"]
    assert "LLM_LLAMA_SERVICE_MODEL_ID" in record["message"]
    # It listens first, then loads.
    events = [each["event"] for each in guide.records]
    assert events.index("SERVICE_START") < events.index("ALL_SERVERS_READY")
    assert not [line for line in guide.lines if "llama_model_loader" in line]


def test_the_curl_line_works_as_it_stands(guide: Any) -> None:
    if shutil.which("curl") is None:
        pytest.skip("no curl here")
    line = re.search(r"try: (curl .*'); ", guide.wait_for("ALL_SERVERS_READY")["message"])
    assert line
    done = subprocess.run(line[1], shell=True, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stdout.rstrip().endswith("data: [DONE]")
    chunks = [json.loads(part) for part in re.findall(r"^data: (\{.*)$", done.stdout, re.M)]
    text = "".join(choice["delta"].get("content", "") for c in chunks for choice in c["choices"])
    assert "guide" in text


def test_banner_on_a_terminal() -> None:
    leader, follower = pty.openpty()
    ports = ["--http-port", "0", "--grpc-port", "0"]
    command = [sys.executable, "-m", "sentiric_llama", "serve", *ports]
    child = subprocess.Popen(command, env=environment({}), stdout=follower, stderr=follower)
    os.close(follower)
    try:
        text = read_terminal(leader, b"or a path to a .gguf file")
        url = re.search(r"Web UI\s+(http://127\.0\.0\.1:\d+)", text)
        assert url and f"curl -N {url[1]}/v1/chat/completions" in text
        assert "sentiric-guide" in text and "built-in guide" in text and "API key" in text
        assert text.count("\n") < 20  # a person sees it without scrolling
        log, shown = text[: text.index("Web UI")], text[text.index("Web UI") :]
        assert "ALL_SERVERS_READY" in log and "ALL_SERVERS_READY" not in shown, "the last line"
        assert "curl" not in log and "built-in guide" not in log, "no line repeats the banner"
        child.send_signal(signal.SIGINT)  # Ctrl-C
        assert child.wait(60) == 0
    finally:
        child.kill()
        child.wait(60)
        os.close(leader)


def read_terminal(leader: int, end: bytes) -> str:
    found = b""
    deadline = time.monotonic() + START_S
    while end not in found:
        assert time.monotonic() < deadline, found
        if select.select([leader], [], [], 1)[0]:
            found += os.read(leader, 65536)
    return found.decode().replace("\r\n", "\n")


def test_health(guide: Any) -> None:
    reply = guide.get("/health")
    assert reply.status == 200 and reply.headers["content-type"] == "application/json"
    health = reply.json
    assert health["status"] == "healthy" and health["model_ready"] is True
    assert health["capacity"] == {"active": 0, "total": 4, "available": 4, "has_capacity": True}
    assert abs(health["timestamp"] - time.time()) < 60
    assert guide.get("/health/live").json == {"status": "alive"}
    assert guide.get("/health/ready").json == {"status": "ready"}
    assert guide.get("/v1/health").json == {"status": "ok"}


def test_has_capacity_is_false_when_all_contexts_run(start: Any, guide_path: Path) -> None:
    server = start(contexts=2).wait_ready()
    peers = [open_chat(server.port, "x", **LONG) for _ in range(2)]
    assert wait_until(lambda: server.active == 2)
    capacity = server.get("/health").json["capacity"]
    assert capacity == {"active": 2, "total": 2, "available": 0, "has_capacity": False}
    peers.pop().close()
    assert wait_until(lambda: server.get("/health").json["capacity"]["has_capacity"])
    peers.pop().close()
    server.check_healthy()


def test_whoever_asks_too_early_is_told_so(start: Any, tiny_f16: Path) -> None:
    server = start(tiny_f16)
    statuses = set()
    while not server.events("ALL_SERVERS_READY"):
        reply = server.chat("x", max_tokens=1)
        statuses.add(reply.status)
        if reply.status == 503:
            assert reply.error["type"] == "server_error" and reply.headers["retry-after"]
            assert reply.error["message"] == "Model is loading or not ready"
    assert statuses <= {200, 503}
    assert server.chat("x", max_tokens=1).status == 200


def test_terminate_lets_a_running_stream_finish(start: Any) -> None:
    server = start().wait_ready()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    fields = LONG | {"max_tokens": 2000, "messages": [{"role": "user", "content": "hello"}]}
    kind = {"Content-Type": "application/json"}
    connection.request("POST", "/v1/chat/completions", json.dumps(fields), kind)
    answer = connection.getresponse()
    assert answer.read(1)
    server.signal(signal.SIGTERM)
    server.wait_for("SERVICE_DRAINING")
    assert server.get("/health/ready").json == {"status": "draining"}
    refused = server.chat("x")
    assert refused.status == 503 and "shutting down" in refused.error["message"]
    rest = answer.read().decode()
    connection.close()
    assert rest.endswith("data: [DONE]\n\n") and '"finish_reason":"length"' in rest
    assert server.finish() == 0
    assert server.records[-1]["event"] == "SERVICE_SHUTDOWN"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_means_now(start: Any, number: signal.Signals) -> None:
    server = start(request_timeout_ms=0).wait_ready()
    peer = open_chat(server.port, "hello", **LONG)
    assert peer.recv(1)
    server.signal(number)
    server.wait_for("SERVICE_DRAINING")
    server.signal(number)
    assert server.finish() == 130
    peer.close()


def test_the_drain_ends_in_time(start: Any) -> None:
    server = start(drain_timeout_s=0.5, request_timeout_ms=0).wait_ready()
    peer = open_chat(server.port, "hello", **LONG)
    assert peer.recv(1)
    server.signal()
    with peer:
        text = b"".join(iter(lambda: peer.recv(65536), b"")).decode()
    last = re.findall(r"^data: (\{.*)$", text, re.M)[-1]
    assert json.loads(last)["error"]["code"] == "unavailable"
    assert server.finish() == 0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"contexts": 0}, "LLM_LLAMA_SERVICE_CONTEXTS: got '0', allowed an integer 1..256"),
        ({"http_port": "x"}, "LLM_LLAMA_SERVICE_HTTP_PORT: got 'x', allowed an integer 0..65535"),
        ({"truncation": "a"}, "LLM_LLAMA_SERVICE_TRUNCATION: got 'a', allowed drop_turns | shift"),
        ({"default_top_p": 7}, "LLM_LLAMA_SERVICE_DEFAULT_TOP_P: got '7', allowed a number"),
    ],
)
def test_a_bad_variable_stops_the_start(settings: Any, words: str) -> None:
    command = [sys.executable, "-m", "sentiric_llama", "serve"]
    done = subprocess.run(
        command, env=environment(settings), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2 and done.stdout == ""
    assert words in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_port_that_is_taken(start: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = start("--http-port", str(port))
        assert server.finish() == 9
    (record,) = [record for record in server.records if record["severity"] != "WARN"]
    assert record["event"] == "SERVICE_FAILED" and record["severity"] == "ERROR"
    assert f"cannot listen on 127.0.0.1:{port}" in record["message"]
    assert "choose another port with --http-port (a second server needs" in record["message"]


def damaged(folder: Path, whole: Path) -> dict[str, tuple[Path, int]]:
    """Files that are no model, and the exit code for each."""
    data = whole.read_bytes()
    contents = {
        "empty": b"",
        "text": b"this is not a model\n" * 100,
        "counts": b"GGUF" + (3).to_bytes(4, "little") + b"\xff" * 16,
        "cut": data[: len(data) * 2 // 3],
        "flipped": data[:200] + bytes(byte ^ 0xFF for byte in data[200:4000]) + data[4000:],
    }
    for name, content in contents.items():
        (folder / f"{name}.gguf").write_bytes(content)
    found = {name: (folder / f"{name}.gguf", 4) for name in contents}
    return found | {"missing": (folder / "missing.gguf", 3)}


def test_what_is_no_model_is_refused_with_its_cause(
    start: Any, tmp_path: Path, guide_path: Path
) -> None:
    cases = damaged(tmp_path, guide_path)
    servers = {}
    for name, (path, _) in cases.items():
        servers[name] = start(path)
        if len(servers) % 3 == 0:
            servers[name].finish()
    for name, (path, code) in cases.items():
        assert servers[name].finish() == code, (name, servers[name].lines)
        failed = servers[name].records[-1]
        text = failed["message"]
        assert failed["event"] == "SERVICE_FAILED" and path.name in text, (name, text)
        assert "\n" not in text and len(text) < 400 and "exception" not in failed, (name, text)
