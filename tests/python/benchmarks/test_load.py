# SPDX-License-Identifier: AGPL-3.0-only
"""The load generator: it does not wait for the server, and what it reads out of what it saw."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from benchmarks import models, servers, vocabulary
from benchmarks.__main__ import chosen
from benchmarks.load.driver import Generator, generate
from benchmarks.load.open_loop import closed_loop, open_loop, report
from benchmarks.load.wire import request
from benchmarks.runner import run_one
from benchmarks.scenario import Run, Side, enter_servers
from benchmarks.scenarios.bodies import longest
from benchmarks.scenarios.load import IdleConnections, KeptAlive, Overload10
from benchmarks.servers import Flags, start_ours

import models as test_models
from engine_tools import wait_until

EVENT = b'data: {"choices":[{"delta":{"content":"x"}}]}\n\n'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
REFUSAL = b"HTTP/1.1 429 Too Many\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"


@contextlib.contextmanager
def server(answer: bytes | None) -> Iterator[tuple[int, list[bytes]]]:
    """Answers every connection with these bytes, or never; and what it was sent."""
    seen: list[bytes] = []
    held: list[socket.socket] = []

    def accept(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                link, _ = listener.accept()
                seen.append(link.recv(1 << 16))
                held.append(link)
                if answer is not None:
                    link.sendall(answer)
                    link.close()

    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        threading.Thread(target=accept, args=(listener,), daemon=True).start()
        yield listener.getsockname()[1], seen
        listener.shutdown(socket.SHUT_RDWR)
    for link in held:
        link.close()


def kind(rate: float = 0, patience: float = 20.0) -> dict[str, Any]:
    return {"name": "chat", "rate": rate, "request": request("GET", "/x"), "patience": patience}


def test_requests_come_whatever_became_of_those_before() -> None:
    """A server that never answers gets as many as one that does; its waits count whole."""
    with server(None) as (port, seen):
        plan = {"port": port, "kinds": [kind(100, 0.4)], "seconds": 1.0, "seed": 3}
        silent = report(asyncio.run(open_loop(plan)))["rows"]
        assert len(seen) == len(silent) > 50
    assert all(row["left"] and row["status"] == 0 and row["end"] >= 0.4 for row in silent)
    with server(HEAD + EVENT) as (port, seen):
        rows = report(asyncio.run(open_loop(plan | {"port": port})))["rows"]
        assert len(seen) == len(rows) == len(silent)  # the seed says when, not the server
    assert all(row["status"] == 200 and 0 <= row["first"] <= row["end"] for row in rows)


def test_refusals_are_read() -> None:
    with server(REFUSAL) as (port, _):
        plan = {"port": port, "kind": kind(), "clients": 2, "seconds": 0.2}
        found = report(asyncio.run(closed_loop(plan)))
    assert found["wall"] >= 0.2
    assert {(row["status"], row["retry_after"], row["first"]) for row in found["rows"]} == {
        (429, "7", -1.0)
    }


def test_figures_of_an_overload() -> None:
    good = {"kind": "chat", "status": 200, "first": 0.5, "left": False, "retry_after": ""}
    rows = [good | {"done": 1.0, "end": 1.0, "late": 0.0} for _ in range(80)]
    rows += [row | {"first": 3.0} for row in rows[:20]]  # too late to be useful
    refused = {"status": 429, "first": -1.0, "done": 0.01, "retry_after": "4"}
    rows += [rows[0] | refused for _ in range(90)]
    rows += [rows[0] | {"status": 0, "first": -1.0, "done": -1.0, "left": True} for _ in range(10)]
    health = rows[0] | {"kind": "health", "done": 0.002}
    rows += [health] * 99 + [health | {"status": 0, "end": 10.0}]
    found = Overload10().outcome(rows, capacity=2.5, run=Run())
    assert found["goodput"] == 80 / 40 / 2.5
    assert (found["answered"], found["refused"], found["left"]) == (0.5, 0.45, 0.05)
    assert (found["refused_p99_s"], found["retry_after_p50_s"]) == (0.01, 4.0)
    assert found["health_p50_s"] == found["health_p99_s"] == 0.002  # the 99th of a hundred
    rows += [health | {"status": 503, "end": 8.0}]
    assert Overload10().outcome(rows, 2.5, Run())["health_p99_s"] == 8.0  # no answer is no 200


def test_the_longest_wait_overlaps_the_body() -> None:
    stamps = [0.0, 1.0, 1.1, 1.2, 3.0, 3.1]
    assert longest(stamps, 1.05, 1.15) == pytest.approx(0.1)
    assert longest(stamps, 1.15, 2.0) == pytest.approx(1.8)
    assert longest(stamps, 3.05, 5.0) == pytest.approx(1.9)  # it has not ended yet
    assert longest(stamps, 3.05, stamps[-1]) == pytest.approx(0.1)  # it ended by itself


def test_a_stream_is_read_to_its_end_or_until_it_is_told_to_leave() -> None:
    with server(HEAD + EVENT * 3 + b"data: [DONE]\n\n") as (port, _):
        whole = Generator("stream", port, request=request("GET", "/x")).result()
    assert (whole["status"], len(whole["stamps"]), whole["is_whole"]) == (200, 3, True)
    with server(None) as (port, seen):
        neighbour = Generator("stream", port, request=request("GET", "/x"))
        wait_until(lambda: bool(seen))
        assert neighbour.stop() == {"status": 0, "stamps": [], "is_whole": False}


def test_families_are_named_by_their_head() -> None:
    names = [scenario.name for scenario in chosen(["load"], "cpu")]
    assert names[:2] == ["load-kept-alive", "load-2x"] and "load-bodies" in names
    assert not {"load-2x"} & {scenario.name for scenario in chosen([], "cpu")}
    with pytest.raises(ValueError, match="unknown scenario"):
        chosen(["loa"], "cpu")


class Alone:
    """The scenario with our side only, and a tiny model."""

    def model(self, run: Run) -> Path:
        return test_models.model("small-q8_0")

    def sides(self, stack: ExitStack, run: Run) -> dict[str, Side]:
        flags = Flags(self.model(run), 2, 512, run.threads, as_shipped=True, descriptors=2048)
        return enter_servers(stack, {"ours": start_ours(flags)}, 2)


class KeptAliveAlone(Alone, KeptAlive):  # type: ignore[misc]
    loads = KeptAlive.loads | {"quick": {"rounds": 3}}


class IdleAlone(Alone, IdleConnections):  # type: ignore[misc]
    loads = IdleConnections.loads | {"quick": {"connections": 20, "rounds": 2}}


@pytest.mark.parametrize("scenario", [KeptAliveAlone(), IdleAlone()])
def test_a_server_is_measured(
    scenario: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vocabulary, "FOLDER", tmp_path)
    monkeypatch.setattr(models, "FOLDER", tmp_path)
    monkeypatch.setattr(servers, "LOGS", tmp_path)
    vocabulary.words_of.cache_clear()
    outcome = run_one(scenario, Run(size="quick", pairs=1, threads=1, seed=1))
    assert outcome.failure == ""
    (metrics,) = [sides["ours"] for sides in outcome.rounds]
    if isinstance(scenario, KeptAlive):
        assert metrics["worst_ratio"] > 0
    else:
        assert (metrics["opened"], metrics["alive"], metrics["chat"]) == (20, 1.0, 1.0)


def test_an_unknown_plan_fails_loudly() -> None:
    with pytest.raises(Exception, match="unknown plan"):
        generate("nothing", 1)
