# SPDX-License-Identifier: AGPL-3.0-only
"""Clients that leave, at any time and in any way, leave nothing behind."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import random
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from http_client import open_chat, reset, wait_until
from sentiric_llama.engine.fake import FakeEngine

T = TypeVar("T")

KILLS = 500
PROMPT = "x" * 200


def is_idle(server: Any) -> bool:
    stats = server.engine.stats()
    ended = stats.requests_completed + stats.requests_cancelled + stats.requests_failed
    return (
        server.engine.active == 0
        and server.service.in_flight == 0
        and not server.server.server_state.connections
        and ended == stats.requests_submitted
    )


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("leave", [socket.socket.close, reset])
@pytest.mark.parametrize("n", [1, 3])
def test_leaving_cancels(start: Any, stream: bool, leave: Any, n: int) -> None:
    server = start(lambda: FakeEngine(delay_s=0.02))
    peer = open_chat(server.port, PROMPT, stream=stream, n=n)
    assert wait_until(lambda: server.engine.active == n)
    leave(peer)
    assert wait_until(lambda: is_idle(server))
    assert server.engine.stats().requests_cancelled == n
    assert server.engine.stats().requests_completed == 0


@pytest.mark.parametrize("stream", [True, False])
def test_leaving_the_queue_cancels(start: Any, stream: bool) -> None:
    server = start(lambda: FakeEngine(delay_s=0.02, contexts=1))
    first = open_chat(server.port, PROMPT, stream=stream)
    assert wait_until(lambda: server.engine.active == 1)
    second = open_chat(server.port, PROMPT, stream=stream)
    assert wait_until(lambda: server.engine.stats().queued == 1)
    second.close()
    assert wait_until(lambda: server.engine.stats().queued == 0)
    assert server.engine.active == 1
    first.close()
    assert wait_until(lambda: is_idle(server))


def test_leaving_before_the_first_step_of_a_stream(start: Any) -> None:
    server = start(lambda: FakeEngine(first_delay_s=30))
    peer = open_chat(server.port, PROMPT, stream=True)
    assert wait_until(lambda: server.engine.active == 1)
    peer.close()
    assert wait_until(lambda: is_idle(server))


def test_leaving_while_the_body_is_sent(start: Any) -> None:
    server = start()
    peer = socket.create_connection(("127.0.0.1", server.port))
    peer.sendall(
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
        b'Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"mess'
    )
    time.sleep(0.05)
    peer.close()
    assert wait_until(lambda: is_idle(server))
    assert server.engine.requests == []


def test_slow_reader_is_given_up(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentiric_llama.http.sse.STALL_S", 0.3)
    server = start(lambda: FakeEngine(lambda _: "x" * 200_000), default_max_tokens=200_000)
    peer = socket.socket()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    peer.connect(("127.0.0.1", server.port))
    body = json.dumps({"messages": [{"role": "user", "content": "x"}], "stream": True}).encode()
    peer.sendall(
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Type: application/json\r\n"
        + f"Content-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    assert wait_until(lambda: server.engine.stats().requests_cancelled == 1)
    assert server.engine.active == 0
    assert server.chat([{"role": "user", "content": "y"}], max_tokens=3).status == 200
    reset(peer)
    assert wait_until(lambda: is_idle(server))


def test_a_slow_reader_holds_nobody_else_up(start: Any) -> None:
    server = start(lambda: FakeEngine(lambda r: "x" * r.max_tokens))
    stuck = open_chat(server.port, PROMPT, stream=True, max_tokens=300_000)
    assert wait_until(lambda: server.engine.active == 1)
    for _ in range(5):
        assert len(server.chat(max_tokens=500).text) == 500
    reset(stuck)
    assert wait_until(lambda: is_idle(server))


def descriptors() -> set[tuple[str, str]]:
    """The open descriptors of this process, each with what it refers to."""
    found = set()
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the one that read the folder
            found.add((number, os.readlink(f"/proc/self/fd/{number}")))
    return found


def settled(what: Callable[[], T]) -> T:
    """What it is when it no longer changes: connections of earlier tests close a little later."""
    gc.collect()  # sockets that an earlier test's error still holds
    before = what()
    while True:
        time.sleep(0.3)
        now = what()
        if now == before:
            return now
        before = now


def kill_one(port: int, seed: int) -> None:
    """One client that leaves at a random point in a random way."""
    chance = random.Random(seed)
    fields = {"n": chance.choice([1, 1, 2])}
    peer = open_chat(port, PROMPT, stream=chance.random() < 0.5, **fields)
    try:
        if chance.random() < 0.7:
            peer.settimeout(chance.random() * 0.1)
            for _ in range(chance.randrange(4)):
                peer.recv(chance.randrange(1, 4096))
        else:
            time.sleep(chance.random() * 0.05)
    except OSError:
        pass
    (reset if chance.random() < 0.5 else socket.socket.close)(peer)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts descriptors through /proc")
def test_500_random_kills_leave_nothing(start: Any) -> None:
    server = start(lambda: FakeEngine(delay_s=0.001, contexts=8, queue_limit=64))
    server.chat()  # what is made once is there before counting
    assert wait_until(lambda: is_idle(server))
    tasks, opened, threads = server.num_tasks(), settled(descriptors), threading.active_count()

    def many(first: int) -> None:
        for seed in range(first, KILLS, 10):
            kill_one(server.port, seed)

    killers = [threading.Thread(target=many, args=(i,)) for i in range(10)]
    for killer in killers:
        killer.start()
    for killer in killers:
        killer.join()
    assert wait_until(lambda: is_idle(server))
    assert server.engine.capacity.available == server.engine.capacity.total
    assert wait_until(lambda: server.num_tasks() == tasks)
    assert wait_until(lambda: descriptors() <= opened), descriptors() - opened
    assert threading.active_count() <= threads  # those of earlier tests may end meanwhile
    assert server.chat().text.startswith("You said")
