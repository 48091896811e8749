# SPDX-License-Identifier: AGPL-3.0-only
"""The log of a real server: its schema, what is never in it, and readers that do not read."""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from http_client import open_chat, request, wait_until
from observe_tools import Scrape
from server_process import environment

pytestmark = pytest.mark.both_modes

CANARY = "kanarya-4711"
PARENT = f"00-{'c' * 32}-{'d' * 16}-01"
SCHEMA = {
    *("schema_v", "ts", "severity", "resource", "trace_id", "span_id", "tenant_id"),
    *("event", "message"),
}
OPTIONAL = {"request_id", "attributes", "exception"}


def provoke(server: Any) -> None:
    """Every way a prompt can go: answered, streamed, refused, cut off, broken."""
    say = f"{CANARY} \x1b[31m\u2028"
    trace = {"traceparent": PARENT, "x-tenant-id": "acme"}
    body = {"messages": [{"role": "user", "content": say}], "max_tokens": 4}
    assert server.post("/v1/chat/completions", body, trace).status == 200
    assert server.chat(say, max_tokens=4, stream=True).status == 200
    assert server.chat(say, temperature=CANARY).status == 400
    assert server.chat(say, model=CANARY).status == 404
    assert server.chat(say, grammar=f'root ::= "{CANARY}').status == 400
    assert server.post("/v1/chat/completions", CANARY.encode()).status == 400
    assert server.chat(say, grammar=f'root ::= "{CANARY}"', max_tokens=50).status == 200
    assert server.post("/tokenize", {"content": say}).status == 200
    assert server.get(f"/{CANARY[:4]}/nowhere").status == 404
    open_chat(server.port, say, max_tokens=400, ignore_eos=True, stream=True).close()
    assert wait_until(server.is_idle)


def test_every_line_follows_the_schema(start: Any, tiny_q8_0: Path) -> None:
    server = start(tiny_q8_0, log_level="debug").wait_ready()
    provoke(server)
    server.signal(signal.SIGTERM)
    assert server.finish() == 0
    for line, record in zip(server.lines, server.records, strict=True):
        assert record.keys() >= SCHEMA and record.keys() <= SCHEMA | OPTIONAL, line
        assert record["schema_v"] == "1.0.0" and re.fullmatch("[A-Z0-9_]+", record["event"])
        assert record["severity"] in ("DEBUG", "INFO", "WARN", "ERROR", "FATAL")
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028]", line)
        assert CANARY not in line
    events = [record["event"] for record in server.records]
    for name in ("MODEL_WARMUP_START", "MODEL_WARMUP_END", "ALL_SERVERS_READY", "LLAMA_CPP_INFO"):
        assert name in events
    assert events.index("MODEL_WARMUP_END") < events.index("ALL_SERVERS_READY")
    answered = server.events("HTTP_UNARY_COMPLETE")[0]
    assert answered["trace_id"] == "c" * 32 and answered["span_id"] == "d" * 16
    assert answered["tenant_id"] == "acme" and answered["request_id"]
    first = server.events("HTTP_TTFT_COMPUTED")[0]
    assert first["trace_id"] == "c" * 32 and first["attributes"]["ttft_ms"] > 0


def test_what_a_call_cost_is_told_once(start: Any, tiny_q8_0: Path) -> None:
    """One time to first token, and where the rest went; also of an answer that was left."""
    server = start(tiny_q8_0, context_size=2048).wait_ready()
    assert server.chat("hello", max_tokens=50, ignore_eos=True).status == 200
    whole = server.wait_for("HTTP_UNARY_COMPLETE")["attributes"]
    first = server.wait_for("HTTP_TTFT_COMPUTED")["attributes"]
    assert whole["ttft_ms"] == first["ttft_ms"]
    assert whole["completion_tokens"] == 50 and whole["tokens_per_s"] > 0
    assert (
        whole["queue_ms"] + whole["prefill_ms"] <= whole["ttft_ms"] + 1 <= whole["elapsed_ms"] + 1
    )
    stream = open_chat(server.port, "hello", max_tokens=100_000, ignore_eos=True, stream=True)
    while b"content" not in stream.recv(4096):
        pass
    stream.close()
    gone = server.wait_for("HTTP_CLIENT_GONE")["attributes"]
    assert gone["completion_tokens"] > 0 and gone["ttft_ms"] > 0
    assert not [record for record in server.records if record["severity"] == "WARN"]


def test_prompts_are_nowhere_else_either(guide: Any) -> None:
    provoke(guide)
    assert CANARY not in request(guide.metrics_port, "GET", "/metrics").body.decode()
    assert CANARY not in guide.get("/v1/stats").body.decode()
    assert CANARY not in "".join(guide.lines)


def test_content_is_logged_for_those_who_ask(start: Any, tiny_q8_0: Path) -> None:
    server = start(tiny_q8_0, log_content=True).wait_ready()
    answer = server.chat(CANARY, max_tokens=5).text
    asked = server.wait_for("LLM_REQUEST_CONTENT")["attributes"]
    assert asked == {"messages": [{"role": "user", "content": CANARY}]}
    assert server.wait_for("LLM_ANSWER_CONTENT")["attributes"] == {"texts": [answer]}


class Unread:
    """A server whose standard error is a tiny pipe that nobody reads."""

    def __init__(self, model: Path) -> None:
        ports = []
        for _ in range(2):
            with socket.create_server(("127.0.0.1", 0)) as free:
                ports.append(free.getsockname()[1])
        self.port, self.metrics_port = ports
        self.pipe, write_end = os.pipe()
        fcntl.fcntl(self.pipe, fcntl.F_SETPIPE_SZ, 4096)
        settings = {"http_port": self.port, "metrics_port": self.metrics_port, "log_level": "debug"}
        command = [sys.executable, "-m", "sentiric_llama", "serve", str(model)]
        self.child = subprocess.Popen(command, env=environment(settings), stderr=write_end)
        os.close(write_end)
        assert wait_until(self.is_ready, 120)

    def is_ready(self) -> bool:
        try:
            return request(self.port, "GET", "/health/ready").status == 200
        except OSError:
            return False

    def ask(self) -> int:
        body = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 2}
        return request(self.port, "POST", "/v1/chat/completions", body).status

    def lost_lines(self) -> float:
        text = request(self.metrics_port, "GET", "/metrics").body.decode()
        return Scrape(text).value("llm_log_lines_dropped_total")

    def close(self) -> None:
        self.child.kill()
        self.child.wait(60)


def test_a_log_that_nobody_reads_stops_nothing(tiny_q8_0: Path) -> None:
    server = Unread(tiny_q8_0)
    try:
        assert [server.ask() for _ in range(20)] == [200] * 20  # the pipe has been full for long
        assert server.lost_lines() == 0  # they wait
        os.close(server.pipe)  # now the reader is gone, too
        assert [server.ask() for _ in range(20)] == [200] * 20
        assert wait_until(lambda: server.lost_lines() > 20)
        server.child.send_signal(signal.SIGTERM)
        assert server.child.wait(60) == 0
    finally:
        server.close()


def test_a_log_that_nobody_reads_does_not_keep_the_process(tiny_q8_0: Path) -> None:
    server = Unread(tiny_q8_0)
    try:
        assert server.ask() == 200
        server.child.send_signal(signal.SIGTERM)
        assert server.child.wait(60) == 0
        first = os.read(server.pipe, 4096).decode().splitlines()[0]
        assert json.loads(first)["event"]
    finally:
        server.close()
        os.close(server.pipe)
