# SPDX-License-Identifier: AGPL-3.0-only
"""`sentiric-llama serve` as its own process, with the real engine, on a free port."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import openai

from http_client import Reply, request, wait_until

PREFIX = "LLM_LLAMA_SERVICE_"
ISOLATION = os.environ.get("SENTIRIC_TEST_ISOLATION", "process")
"""Where the engines of all servers run."""
PROGRAM = (sys.executable, "-m", "sentiric_llama")
START_S = 120
STOP_S = 60


class ServerProcess:
    """Starts at once. Standard error is read all the time, so that the process never waits."""

    def __init__(
        self, *arguments: str | Path, program: Sequence[str] = PROGRAM, **settings: object
    ) -> None:
        """`settings` become variables: contexts=8 is LLM_LLAMA_SERVICE_CONTEXTS=8."""
        self.lines: list[str] = []
        self._news = threading.Condition()
        command = [*program, "serve", *map(str, arguments)]
        for flag in ("--http-port", "--grpc-port"):
            if flag not in arguments:
                command += [flag, "0"]
        self.child = subprocess.Popen(
            command,
            env=environment(settings),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        assert self.child.stderr is not None
        self._reader = threading.Thread(target=self._read, args=(self.child.stderr,), daemon=True)
        self._reader.start()

    def _read(self, stderr: IO[str]) -> None:
        for line in stderr:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._news.notify_all()

    # What it says

    @property
    def records(self) -> list[dict[str, Any]]:
        """The log; every line must be JSON."""
        return [json.loads(line) for line in list(self.lines)]

    def events(self, name: str) -> list[dict[str, Any]]:
        return [record for record in self.records if record["event"] == name]

    def wait_for(self, name: str, seconds: float = START_S) -> dict[str, Any]:
        """The first record of this event. Fails when the process ends before it."""
        deadline = time.monotonic() + seconds
        with self._news:
            while not (found := self.events(name)):
                left = deadline - time.monotonic()
                alive = self._reader.is_alive()
                assert left > 0 and alive, f"no {name} (running: {alive}): {self.lines}"
                self._news.wait(min(left, 1))
        return found[0]

    def wait_ready(self) -> ServerProcess:
        self.wait_for("ALL_SERVERS_READY")
        return self

    @property
    def port(self) -> int:
        match = re.search(r":(\d+),", self.wait_for("SERVICE_START")["message"])
        assert match
        return int(match[1])

    @property
    def metrics_port(self) -> int:
        match = re.search(r":(\d+)/metrics", self.wait_for("METRICS_SERVER_READY")["message"])
        assert match
        return int(match[1])

    @property
    def grpc_address(self) -> str:
        """As gRPC's clients take it."""
        return str(self.wait_for("GRPC_SERVER_READY")["message"]).split("//")[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    # Requests

    def get(self, path: str) -> Reply:
        return request(self.port, "GET", path)

    def post(self, path: str, body: Any, headers: dict[str, str] | None = None) -> Reply:
        return request(self.port, "POST", path, body, headers)

    def chat(self, messages: str | Sequence[dict[str, str]], **fields: Any) -> Reply:
        """One chat request; a string is what the user says."""
        return self.post("/v1/chat/completions", {"messages": conversation(messages), **fields})

    def openai(self) -> openai.OpenAI:
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key="none", max_retries=0)

    @property
    def active(self) -> int:
        """Contexts in use."""
        active = self.get("/health").json["capacity"]["active"]
        assert isinstance(active, int)
        return active

    def is_idle(self) -> bool:
        capacity = self.get("/health").json["capacity"]
        return bool(capacity["active"] == 0 and capacity["available"] == capacity["total"])

    # Life

    def resources(self) -> tuple[int, int]:
        """How many descriptors and threads the process has."""
        folder = Path(f"/proc/{self.child.pid}")
        return len(list((folder / "fd").iterdir())), len(list((folder / "task").iterdir()))

    def signal(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.child.send_signal(number)

    def finish(self, seconds: float = STOP_S) -> int:
        """Waits for the exit code. Nothing may have been printed to standard output."""
        assert self.child.stdout is not None
        code = self.child.wait(seconds)
        self._reader.join(seconds)
        assert self.child.stdout.read() == ""
        return code

    def close(self) -> None:
        """Ends it, however it is."""
        self.child.kill()
        self.child.wait(STOP_S)
        self._reader.join(STOP_S)
        for stream in (self.child.stdout, self.child.stderr):
            if stream is not None:
                stream.close()

    @property
    def engine_pid(self) -> int:
        """Its engine process; 0 while there is none."""
        pid = self.child.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return next((int(child) for child in children if is_engine(int(child))), 0)

    def check_healthy(self) -> None:
        """Still running, all free again, no defect in the log."""
        assert self.child.poll() is None, self.lines[-20:]
        assert wait_until(self.is_idle)
        defects = [record for record in self.records if record["severity"] in ("ERROR", "FATAL")]
        assert not defects, defects


def is_engine(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/comm").read_text().startswith("sentiric-engine")
    except OSError:
        return False


def environment(settings: dict[str, object]) -> dict[str, str]:
    """Ours without anybody's settings; one compute thread, because tests share the machine.

    A free port for metrics, and no time lost between SIGTERM and the drain.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    for name in ("ENV", "GRPC_TLS_CA_PATH"):
        kept.pop(name, None)
    fixed = {"compute_threads": 1, "metrics_port": 0, "drain_settle_s": 0}
    given = fixed | {"isolation": ISOLATION} | settings
    return kept | {PREFIX + name.upper(): str(value) for name, value in given.items()}


def conversation(messages: str | Sequence[dict[str, str]]) -> list[dict[str, str]]:
    if isinstance(messages, str):
        return [{"role": "user", "content": messages}]
    return list(messages)
