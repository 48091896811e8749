# SPDX-License-Identifier: AGPL-3.0-only
"""What a process costs: its start, its memory beyond weights and KV, its HTTP side."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from benchmarks.client import chat, chat_all
from benchmarks.fake_server import STREAMS
from benchmarks.measures import check_tokens, of_answers
from benchmarks.prompts import body
from benchmarks.scenario import (
    OURS,
    PEER,
    Figure,
    HttpScenario,
    Idle,
    Metrics,
    Run,
    Side,
    compare,
    enter_servers,
    sizes,
)
from benchmarks.servers import Flags, Server, free_port, start_ours, start_peer
from benchmarks.shapes import ModelSpec


class Launcher(Idle):
    """Starts one kind of server, again and again."""

    def __init__(self, start: Callable[[Flags], Server]) -> None:
        self.start = start


class Launched(HttpScenario):
    """Sides are started inside the measurement."""

    def sides(self, stack: ExitStack, run: Run) -> dict[str, Side]:
        return {OURS: Launcher(start_ours), PEER: Launcher(start_peer)}

    def measure(self, side: Any, run: Run, number: int) -> Metrics:
        with side.start(self.flags(run)) as server:
            return self.observe(server, run, number)

    def observe(self, server: Server, run: Run, number: int) -> Metrics:
        raise NotImplementedError


class ColdStart(Launched):
    """From the process's start to the first answer, and to the first token."""

    name = "cold-start"
    title = "process start to first token, tiny model"
    contexts = 4
    context_size = 2048
    quick_model = big_model = ModelSpec("tiny")
    loads = sizes(standard={})
    figures = (
        compare("time to first token from process start", "s", "first_token_s"),
        Figure("the same, in seconds", "s", "ours.first_token_s", goal="<= 0.5"),
        compare("time to the first answer over HTTP", "s", "live_s"),
        Figure("the same, in seconds", "s", "ours.live_s", goal="<= 0.3"),
        Figure("processes, 2 if the engine has its own", "", "ours.processes"),
    )

    def observe(self, server: Server, run: Run, number: int) -> Metrics:
        server.wait_live(poll_s=0.002)
        live = time.monotonic() - server.started_at
        server.wait_ready(poll_s=0.002)
        ready = time.monotonic() - server.started_at
        answer = chat(server.port, body("hello", max_tokens=1))
        check_tokens([answer], 1)
        first = answer.stamps[0] - server.started_at
        times = {"live_s": live, "ready_s": ready, "first_token_s": first}
        return times | {"processes": float(server.num_processes())}


class Memory(Launched):
    """Anonymous memory after the same work: the weights are mapped, the KV is equally large."""

    name = "memory"
    title = "anonymous resident memory, same flags"
    default_pairs = 2
    loads = sizes(quick={"tokens": 8}, standard={"tokens": 16})
    figures = (
        Figure(
            *("after 8 streams, beyond llama-server's", "MiB"),
            *("ours.used_mib", "llama-server.used_mib", "<= 60"),
            difference=True,
        ),
        Figure(
            *("loaded and idle, beyond llama-server's", "MiB"),
            *("ours.idle_mib", "llama-server.idle_mib"),
            difference=True,
        ),
    )

    def observe(self, server: Server, run: Run, number: int) -> Metrics:
        load, writer = self.load(run), self.writer(run, number)
        server.wait_ready()
        idle = server.rss_mib()
        bodies = [
            body(writer.text(64), system=writer.text(8), max_tokens=load["tokens"])
            for _ in range(self.contexts)
        ]
        check_tokens(chat_all(server.port, bodies), load["tokens"])
        used = server.rss_mib()
        return {
            "idle_mib": idle["RssAnon"],
            "used_mib": used["RssAnon"],
            "file_mib": used["RssFile"],
        }


class HttpEvents(HttpScenario):
    """Our HTTP side alone: how many events it writes when tokens cost nothing."""

    name = "http-events"
    title = "16 clients over HTTP, an engine that only writes"
    default_pairs = 3
    quick_model = big_model = ModelSpec("tiny")
    loads = sizes(quick={"tokens": 500}, standard={"tokens": 2000})
    figures = (Figure("events per second", "events/s", "ours.events_s"),)

    def sides(self, stack: ExitStack, run: Run) -> dict[str, Side]:
        port = free_port()
        command = [sys.executable, "-m", "benchmarks.fake_server", str(port)]
        return enter_servers(stack, {OURS: Server("http alone", command, port)}, STREAMS)

    def measure(self, side: Any, run: Run, number: int) -> Metrics:
        tokens = self.load(run)["tokens"]
        request = body("hello", max_tokens=tokens)
        metrics = of_answers(chat_all(side.port, [request] * STREAMS), tokens)
        return {"events_s": metrics["tok_s"], "wall_s": metrics["wall_s"]}
