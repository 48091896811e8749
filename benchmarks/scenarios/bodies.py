# SPDX-License-Identifier: AGPL-3.0-only
"""Bodies that cost a server much to read, beside a stream that must not notice."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

from benchmarks.client import RequestFailed
from benchmarks.load.driver import Generator
from benchmarks.load.wire import HOST, request, status_of
from benchmarks.scenario import Figure, Metrics, Run, compare, sizes
from benchmarks.scenarios.load import CHAT, LoadScenario
from benchmarks.servers import Server

ANSWER_S = 60.0
LEAD_S, TAIL_S = 1.0, 0.3


def repeated(piece: str, count: int) -> str:
    return ",".join([piece] * count)


def chat_of(piece: str, count: int) -> tuple[str, str]:
    return CHAT, f'{{"max_tokens":1,"messages":[{repeated(piece, count)}]}}'


BODIES: dict[str, tuple[str, Callable[[], tuple[str, str]]]] = {
    "empty": ("62 000 empty objects, 0.2 MB", lambda: chat_of(" {}", 62_000)),
    "objects": ("4.4 MB of messages", lambda: chat_of('{"role":"user","content":"x"}', 147_000)),
    "words": ("2 000 messages of a word", lambda: chat_of('{"role":"user","content":"x"}', 2_000)),
    "prompt": (
        "a prompt of 1 MB",
        lambda: chat_of('{"role":"user","content":"' + "word " * 200_000 + '"}', 1),
    ),
    "lists": ("8 MB of empty lists", lambda: chat_of("[]", 2_700_000)),
    "ids": (
        "4 000 000 ids to detokenize",
        lambda: ("/detokenize", f'{{"tokens":[{repeated("5", 4_000_000)}]}}'),
    ),
}


class Bodies(LoadScenario):
    """One at a time, each beside a stream of its own."""

    name = "load-bodies"
    title = "large and odd bodies beside a stream: the stream's longest gap"
    context_size = 8192
    default_pairs = 3
    loads = sizes(standard={"tokens": 8000})
    figures = (
        *(compare(label, "s", f"{name}_gap_s") for name, (label, _) in BODIES.items()),
        compare("the stream for itself", "s", "alone_gap_s"),
        Figure("the longest of all", "s", "ours.gap_s", goal="<= 0.1"),
    )

    def measure(self, side: Server, run: Run, number: int) -> Metrics:
        metrics: Metrics = {"alone_gap_s": 0.0}
        for name, (_, make) in BODIES.items():
            path, text = make()
            wire = request("POST", path, text).encode()
            found = beside_a_stream(self, side, run, number, partial(send, side.port, wire))
            alone = max(metrics["alone_gap_s"], found.pop("alone"))
            metrics |= {f"{name}_{key}": value for key, value in found.items()}
            metrics["alone_gap_s"] = alone
        worst = max(metrics[f"{name}_gap_s"] for name in BODIES)
        return metrics | {"gap_s": worst}


def beside_a_stream(
    scenario: LoadScenario, side: Server, run: Run, number: int, act: Callable[[], int]
) -> dict[str, float]:
    """The longest gap of a stream while `act` goes on, and before; its status and seconds."""
    tokens = scenario.load(run)["tokens"]
    ask = scenario.question(run, number, tokens, stream=True)
    neighbour = Generator("stream", side.port, request=request("POST", CHAT, ask))
    neighbour.wait_running()
    time.sleep(LEAD_S)
    sent = time.monotonic()
    status = act()
    answered = time.monotonic()
    time.sleep(TAIL_S)
    seen = neighbour.stop()
    stamps: list[float] = seen["stamps"]
    if not stamps:
        raise RequestFailed(f"the neighbour did not stream; status {seen['status']}")
    until = stamps[-1] if seen["is_whole"] else answered + TAIL_S / 2
    return {
        "gap_s": longest(stamps, sent, until),
        "alone": longest(stamps, stamps[0], sent),
        "answer_s": answered - sent,
        "status": status,
    }


def longest(stamps: list[float], since: float, until: float) -> float:
    """Of the waits that overlap the time, one that had not ended yet included."""
    edges = [*stamps, until] if stamps[-1] < until else stamps
    return max((b - a for a, b in pairwise(edges) if b > since and a < until), default=0.0)


def send(port: int, wire: bytes) -> int:
    """The answer's status, also of one that comes before the body was read; 0 for none."""
    pieces: list[tuple[float, Any]] = []
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), ANSWER_S) as link:
        with contextlib.suppress(ConnectionError):
            link.sendall(wire)
        while data := link.recv(1 << 16):
            pieces.append((0.0, data))
    return status_of(pieces)
