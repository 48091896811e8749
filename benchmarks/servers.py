# SPDX-License-Identifier: AGPL-3.0-only
"""The two servers as processes with the same flags."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from benchmarks import tools
from benchmarks.client import chat_all
from sentiric_llama.host.product import PREFIX

START_S = 300
LOGS = tools.ROOT / "build" / "bench-logs"


@dataclass(frozen=True, slots=True)
class Flags:
    """What both servers are told."""

    model: Path
    contexts: int = 8
    context_size: int = 4096
    threads: int = 1
    device: str = "cpu"
    extra: tuple[str, ...] = ()
    """Flags of our server alone, e.g. to switch a feature off."""
    as_shipped: bool = False
    """Ours refuses what waits too long, as it does unless told otherwise."""
    descriptors: int = 0
    """Files and connections that a server may have open; 0 is what this process may."""


class ServerFailed(Exception):
    """A server did not come up, or died."""


class Server:
    """A running server. Leaving its `with` block ends the process."""

    def __init__(self, name: str, command: list[str], port: int) -> None:
        LOGS.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.command = command
        self.port = port
        self.log = LOGS / f"{name.replace(' ', '-')}-{port}.log"
        self.started_at = time.monotonic()
        with self.log.open("wb") as log:
            self._child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=_environment()
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.resume()
        self._child.terminate()
        try:
            self._child.wait(20)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        if self.log.stat().st_size and exc[0] is None:
            self.log.unlink(missing_ok=True)

    def wait_live(self, poll_s: float) -> Self:
        """Until it answers at all, perhaps that the model is loading. Raises as `wait_ready`."""
        return self._wait(lambda: self._status() is not None, poll_s)

    def wait_ready(self, poll_s: float = 0.05) -> Self:
        """Until the model is loaded. Raises ServerFailed with the end of the log."""
        return self._wait(lambda: self._status() == http.client.OK, poll_s)

    def _wait(self, is_done: Callable[[], bool], poll_s: float) -> Self:
        while not is_done():
            if self._child.poll() is not None:
                tail = self.log.read_text(errors="replace")[-600:]
                raise ServerFailed(f"{self.name} ended with {self._child.returncode}: {tail}")
            if time.monotonic() - self.started_at > START_S:
                raise ServerFailed(f"{self.name} is not ready after {START_S} s; see {self.log}")
            time.sleep(poll_s)
        return self

    def _status(self) -> int | None:
        """Of `/health`; None while nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status
        except OSError:
            return None
        finally:
            connection.close()

    def warm_up(self, streams: int) -> None:
        """Every context has decoded once before anything is measured."""
        from benchmarks.prompts import body  # late: prompts know servers only through a port

        chat_all(self.port, [body(f"warm up {i}", max_tokens=4) for i in range(streams)])

    def pause(self) -> None:
        """Takes the processor away from it while another is measured."""
        self._child.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        if self._child.poll() is None:
            self._child.send_signal(signal.SIGCONT)

    def cpu_s(self) -> float:
        """Processor time spent so far by all of its threads: steadier than the clock."""
        stats = [Path(f"/proc/{pid}/stat").read_text() for pid in self._pids()]
        fields = [stat.rpartition(")")[2].split() for stat in stats]
        return sum(int(of[11]) + int(of[12]) for of in fields) / os.sysconf("SC_CLK_TCK")

    def rss_mib(self) -> dict[str, float]:
        """Resident memory by kind: RssAnon is heap and KV, RssFile the mapped weights."""
        found: dict[str, float] = {}
        for pid in self._pids():
            text = Path(f"/proc/{pid}/status").read_text()
            for name, kib in re.findall(r"^(Rss[A-Z]\w+):\s+(\d+) kB", text, re.MULTILINE):
                found[name] = found.get(name, 0.0) + int(kib) / 1024
        return found

    def num_processes(self) -> int:
        """1, or 2 if the engine has one of its own."""
        return len(self._pids())

    def _pids(self) -> list[int]:
        """The server and the processes that it started."""
        tasks = Path(f"/proc/{self._child.pid}/task").glob("*/children")
        return [self._child.pid, *(int(pid) for task in tasks for pid in task.read_text().split())]


def start_ours(flags: Flags, name: str = "ours", python: str = sys.executable) -> Server:
    """`python -m sentiric_llama serve` on a free port, as `python` has it installed."""
    port = free_port()
    command = [python, "-m", "sentiric_llama", "serve", str(flags.model)]
    command += ["--http-port", str(port), "--grpc-port", "0", "--metrics-port", "0"]
    command += ["--contexts", str(flags.contexts), "--context-size", str(flags.context_size)]
    command += ["--compute-threads", str(flags.threads)]
    waits = () if flags.as_shipped else ("--queue-wait-ms", "0")
    command += ["--gpu-layers", _layers(flags), *waits, *flags.extra]
    return Server(name, _limited(command, flags), port)


def start_peer(flags: Flags) -> Server:
    """llama-server, built from the tree that our engine is built from."""
    port = free_port()
    command = [str(tools.path("llama-server", flags.device)), "-m", str(flags.model)]
    command += ["--host", "127.0.0.1", "--port", str(port), "-np", str(flags.contexts)]
    command += ["-c", str(flags.contexts * flags.context_size)]
    command += ["-t", str(flags.threads), "-ngl", _layers(flags), "--no-ui"]
    return Server("llama-server", _limited(command, flags), port)


def _limited(command: list[str], flags: Flags) -> list[str]:
    if not flags.descriptors:
        return command
    return ["bash", "-c", f'ulimit -n {flags.descriptors} && exec "$@"', "bash", *command]


def _layers(flags: Flags) -> str:
    return "0" if flags.device == "cpu" else "999"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _environment() -> dict[str, str]:
    """Nobody's settings: neither ours nor llama.cpp's variables."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith((PREFIX, "LLAMA_ARG_")) and name != "ENV"
    }
