# SPDX-License-Identifier: AGPL-3.0-only
"""Load: what connections cost, and what a server does with ten times of what it can do.

The model is small on purpose: these scenarios ask about sockets, queues and refusals. Ours runs as
it is shipped. They run when they are named; `load` names them all.
"""

from __future__ import annotations

from contextlib import ExitStack
from statistics import median
from typing import Any

from benchmarks.load.driver import generate
from benchmarks.load.wire import request
from benchmarks.measures import percentile
from benchmarks.prompts import GREEDY, body
from benchmarks.scenario import (
    OURS,
    PEER,
    Figure,
    HttpScenario,
    Metrics,
    Run,
    Side,
    WrongCount,
    compare,
    enter_servers,
    sizes,
)
from benchmarks.scenarios.process import Launched
from benchmarks.servers import Flags, Server, start_ours, start_peer
from benchmarks.shapes import ModelSpec

CHAT = "/v1/chat/completions"
HEALTH = {OURS: ("/health/live", "/health/ready"), PEER: ("/health", "/health")}
"""Alive and ready; llama-server has one address for both."""


class LoadScenario(HttpScenario):
    """Both servers as they are shipped, with a model whose steps are short."""

    devices = ()
    contexts = 4
    context_size = 1024
    quick_model = big_model = ModelSpec("quick", wiring="recite")
    default_pairs = 1
    descriptors = 0

    def flags(self, run: Run) -> Flags:
        size = self.contexts, self.context_size
        return Flags(
            *(self.model(run), *size, run.threads, run.device),
            as_shipped=True,
            descriptors=self.descriptors,
        )

    def sides(self, stack: ExitStack, run: Run) -> dict[str, Side]:
        flags = self.flags(run)
        servers = {OURS: start_ours(flags), PEER: start_peer(flags)}
        return enter_servers(stack, servers, self.contexts)

    def question(self, run: Run, number: int, tokens: int, **fields: Any) -> dict[str, Any]:
        return body(self.writer(run, number).text(48), max_tokens=tokens, **GREEDY, **fields)


class KeptAlive(LoadScenario):
    """The same request on a kept connection and on a fresh one, in turn."""

    name = "load-kept-alive"
    title = "one client, kept and fresh connections in turn"
    default_pairs = 3
    loads = sizes(standard={"rounds": 90})  # llama-server ends a connection after 100 requests
    figures = (
        Figure("alive?, kept against fresh", "s", "ours.health_kept_s", "ours.health_fresh_s"),
        Figure(
            *("one token, kept against fresh", "s"),
            *("ours.post_kept_s", "ours.post_fresh_s", "<= 1.1"),
        ),
        Figure("the worse of both, as a ratio", "", "ours.worst_ratio", goal="<= 1.1"),
        compare("alive? on a kept connection", "s", "health_kept_s"),
        compare("one token on a kept connection", "s", "post_kept_s"),
    )

    def measure(self, side: Server, run: Run, number: int) -> Metrics:
        alive, _ = HEALTH[side.name]
        ask = self.question(run, number, 1, stream=False)
        requests = {
            "health": [request("GET", alive, keep=keep) for keep in (True, False)],
            "post": [request("POST", CHAT, ask, keep=keep) for keep in (True, False)],
        }
        rounds = self.load(run)["rounds"]
        found = generate("kept", side.port, requests=requests, rounds=rounds)
        metrics = {f"{name}_s": median(values) for name, values in found.items()}
        ratios = [metrics[f"{name}_kept_s"] / metrics[f"{name}_fresh_s"] for name in requests]
        return metrics | {"worst_ratio": max(ratios)}


class Overload(LoadScenario):
    """Callers that come when they come, more of them than can be served."""

    factor: int
    loads = sizes(
        quick={"capacity_s": 4, "seconds": 8},
        standard={
            "tokens": 32,
            "capacity_s": 10,
            "seconds": 40,
            "ttft_limit_s": 2,
            "patience_s": 10,
        },
    )
    figures = (
        Figure("refused within, median", "s", "ours.refused_p50_s"),
        Figure("refused within, p99", "s", "ours.refused_p99_s"),
        compare("alive? answered within, median", "s", "health_p50_s"),
        compare("alive? answered within, p99", "s", "health_p99_s"),
        Figure("the same, in seconds", "s", "ours.health_p99_s", goal="<= 0.05"),
        compare("first token in 2 s, as a share of capacity", "", "goodput"),
        compare("capacity, answers per second", "1/s", "capacity_s"),
        compare("neither answered nor refused in 10 s", "", "left"),
    )

    def measure(self, side: Server, run: Run, number: int) -> Metrics:
        load = self.load(run)
        chat = self._chat(run, number)
        found = generate(
            *("closed", side.port), kind=chat, clients=self.contexts, seconds=load["capacity_s"]
        )
        done = [row for row in found["rows"] if row["first"] >= 0 and not row["left"]]
        if len(done) < self.contexts:
            raise WrongCount(f"only {len(done)} answers without overload")
        capacity = len(done) / found["wall"]
        health = {
            "name": "health",
            "rate": 10,
            "request": request("GET", HEALTH[side.name][0]),
            "patience": load["patience_s"],
        }
        kinds = [chat | {"rate": self.factor * capacity}, health]
        rows = generate(
            *("open", side.port), kinds=kinds, seconds=load["seconds"], seed=run.seed + number
        )["rows"]
        return {"capacity_s": capacity, **self.outcome(rows, capacity, run)}

    def _chat(self, run: Run, number: int) -> dict[str, Any]:
        load = self.load(run)
        ask = self.question(run, number, load["tokens"], stream=True)
        wire = request("POST", CHAT, ask)
        return {"name": "chat", "request": wire, "patience": load["patience_s"]}

    def outcome(self, rows: list[dict[str, Any]], capacity: float, run: Run) -> Metrics:
        """Shares are of the chats that came, goodput of what the server can do."""
        load = self.load(run)
        chats = [row for row in rows if row["kind"] == "chat"]
        health = [waited(row) for row in rows if row["kind"] == "health"]
        refused = [row["done"] for row in chats if row["status"] in (429, 503)]
        good = [row for row in chats if 0 <= row["first"] <= load["ttft_limit_s"]]
        metrics = {
            "offered": len(chats),
            "goodput": len(good) / load["seconds"] / capacity,
            "answered": sum(row["first"] >= 0 for row in chats) / len(chats),
            "refused": len(refused) / len(chats),
            "left": sum(row["left"] and row["first"] < 0 for row in chats) / len(chats),
            "health_p50_s": median(health),
            "health_p99_s": percentile(health, 0.99),
            "generator_late_p99_s": percentile([row["late"] for row in rows], 0.99),
        }
        if refused:
            waits = [float(row["retry_after"]) for row in chats if row["retry_after"].isdigit()]
            metrics["refused_p50_s"] = median(refused)
            metrics["refused_p99_s"] = percentile(refused, 0.99)
            metrics["retry_after_p50_s"] = median(waits) if waits else -1.0
        return metrics


def waited(row: dict[str, Any]) -> float:
    """Until the answer came, or until nobody waited any more."""
    return float(row["done"] if row["status"] == 200 else row["end"])


class Overload2(Overload):
    name = "load-2x"
    title = "callers at twice the capacity, open loop"
    factor = 2


class Overload10(Overload):
    name = "load-10x"
    title = "callers at ten times the capacity, open loop"
    factor = 10


IDLE_FIGURES = (
    Figure("alive? answered", "", "ours.alive", "llama-server.alive"),
    Figure("ready? answered", "", "ours.ready", "llama-server.ready"),
    Figure("chats answered", "", "ours.chat", "llama-server.chat"),
    Figure("alive?, the longest", "s", "ours.alive_max_s", "llama-server.alive_max_s"),
)


def beside_idle(scenario: LoadScenario, side: Server, run: Run, number: int) -> Metrics:
    """Shares of 200, and the longest wait, while many connections say nothing."""
    load = scenario.load(run)
    alive, ready = HEALTH[side.name]
    requests = {
        "alive": request("GET", alive),
        "ready": request("GET", ready),
        "chat": request("POST", CHAT, scenario.question(run, number, 1, stream=False)),
    }
    keys = ("connections", "settle", "rounds", "pause")
    plan = {key: load[key] for key in keys}
    found = generate("idle", side.port, requests=requests, **plan)
    metrics: Metrics = {"opened": found["opened"]}
    for name in requests:
        rows = [row for row in found["rows"] if row["kind"] == name]
        metrics[name] = sum(row["status"] == 200 for row in rows) / len(rows)
        metrics[f"{name}_max_s"] = max(row["s"] for row in rows)
    return metrics


class IdleConnections(LoadScenario):
    """More of them than a server may hold."""

    name = "load-idle"
    title = "1 024 connections that say nothing"
    descriptors = 4096
    loads = sizes(
        quick={"rounds": 3},
        standard={"connections": 1024, "settle": 0.5, "rounds": 5, "pause": 0.1},
    )
    figures = IDLE_FIGURES

    def measure(self, side: Server, run: Run, number: int) -> Metrics:
        return beside_idle(self, side, run, number)


class FewDescriptors(Launched, LoadScenario):
    """400 connections where 256 files may be open."""

    name = "load-descriptors"
    title = "400 idle connections with 256 descriptors"
    descriptors = 256
    loads = sizes(
        quick={"rounds": 3, "pause": 0.5},
        standard={"connections": 400, "settle": 0.5, "rounds": 7, "pause": 1.5},
    )
    figures = (
        *IDLE_FIGURES,
        Figure("log lines meanwhile", "lines", "ours.log_lines", "llama-server.log_lines"),
        Figure("log meanwhile", "MB", "ours.log_mb"),
    )

    def observe(self, server: Server, run: Run, number: int) -> Metrics:
        server.wait_ready().warm_up(1)
        before = server.log.read_bytes()
        metrics = beside_idle(self, server, run, number)
        log = server.log.read_bytes()[len(before) :]
        return metrics | {"log_lines": log.count(b"\n"), "log_mb": len(log) / 1e6}
