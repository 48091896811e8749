# SPDX-License-Identifier: AGPL-3.0-only
"""Clients that leave at any moment and in any way leave nothing behind."""

from __future__ import annotations

import contextlib
import http.client
import random
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from http_client import Reply, StreamThread, open_chat, reset, wait_until
from server_process import ServerProcess

pytestmark = pytest.mark.both_modes

KILLS = 500
KILLERS = 12
CONTEXTS = 4
LONG_PROMPT = "a long prompt takes several steps " * 250
ENDLESS = {"ignore_eos": True, "max_tokens": 100_000}


def kill_one(port: int, seed: int) -> None:
    """A client that leaves at a random point: while sending, waiting, prefilling or reading."""
    chance = random.Random(seed)
    content = LONG_PROMPT if chance.random() < 0.5 else "hello"
    fields: dict[str, Any] = {"stream": chance.random() < 0.5, "n": chance.choice([1, 1, 2])}
    peer = open_chat(port, content, **fields, **ENDLESS)
    with contextlib.suppress(OSError):
        if fields["stream"] and chance.random() < 0.5:
            peer.settimeout(chance.random() * 0.2)
            for _ in range(chance.randrange(1, 5)):
                peer.recv(chance.randrange(1, 4096))
        else:
            time.sleep(chance.random() * 0.1)
    leave(peer, chance)


def kill_while_sending(port: int, seed: int) -> None:
    """A client that leaves in the middle of its request."""
    chance = random.Random(seed)
    request = (
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Type: application/json\r\n"
        b'Content-Length: 60000\r\n\r\n{"messages":[{"role":"user","content":"' + b"x" * 10_000
    )
    peer = socket.create_connection(("127.0.0.1", port), timeout=60)
    peer.sendall(request[: chance.randrange(len(request))])
    leave(peer, chance)


def leave(peer: socket.socket, chance: random.Random) -> None:
    way = chance.randrange(3)
    if way == 0:
        reset(peer)
        return
    if way == 1:
        with contextlib.suppress(OSError):
            peer.shutdown(socket.SHUT_RDWR)
    peer.close()


def kill_many(port: int, seeds: range) -> None:
    def work(first: int) -> None:
        for seed in seeds[first::KILLERS]:
            (kill_while_sending if seed % 10 == 0 else kill_one)(port, seed)

    killers = [threading.Thread(target=work, args=(first,)) for first in range(KILLERS)]
    for killer in killers:
        killer.start()
    for killer in killers:
        killer.join()


def test_500_killed_clients_leave_nothing(start: Any, tiny_q8_0: Path) -> None:
    # Fewer contexts than killers, so that some clients are killed in the queue.
    limits = {"contexts": CONTEXTS, "context_size": 4096, "prefill_chunk": 64, "queue_limit": 64}
    server = start(tiny_q8_0, **limits).wait_ready()
    greedy: dict[str, Any] = {"temperature": 0, "max_tokens": 20}
    expected = server.chat("hello", **greedy).text
    kill_many(server.port, range(-60, 0))  # threads and pools that are made once are made now
    assert wait_until(server.is_idle)
    before = settled_resources(server)

    kill_many(server.port, range(KILLS))

    assert wait_until(server.is_idle)
    assert server.get("/health").json["capacity"]["available"] == CONTEXTS
    assert wait_until(lambda: server.resources() == before), (server.resources(), before)
    assert server.chat("hello", **greedy).text == expected
    together = [StreamThread(server.port, "hello", **greedy) for _ in range(CONTEXTS)]
    assert [thread.text() for thread in together] == [expected] * CONTEXTS
    server.check_healthy()
    server.signal()
    assert server.finish() == 0
    (drain,) = server.events("SERVICE_DRAINING")
    assert drain["attributes"] == {"in_flight": 0}  # nobody was counted as still being answered


def settled_resources(server: ServerProcess) -> tuple[int, int]:
    """Descriptors and threads when they no longer change."""
    seen = server.resources()
    for _ in range(100):
        time.sleep(0.1)
        now = server.resources()
        if now == seen:
            return now
        seen = now
    raise AssertionError(f"still changing: {seen}")


def test_a_neighbour_of_killed_clients_is_not_disturbed(tiny: Any) -> None:
    fields: dict[str, Any] = {"temperature": 0, "ignore_eos": True, "max_tokens": 400}
    expected = StreamThread(tiny.port, "the neighbour", **fields).text()
    stream = StreamThread(tiny.port, "the neighbour", **fields)
    kill_many(tiny.port, range(1000, 1040))
    assert stream.text() == expected


@pytest.mark.parametrize("stream", [True, False])
def test_leaving_frees_the_context_at_once(tiny: Any, stream: bool) -> None:
    peers = [open_chat(tiny.port, "hello", stream=stream, n=2, **ENDLESS) for _ in range(3)]
    assert wait_until(lambda: tiny.active == 6)
    for left, peer in enumerate(reversed(peers)):
        peer.close()
        assert wait_until(lambda expected=4 - 2 * left: tiny.active == expected)


@pytest.mark.parametrize("stream", [True, False])
def test_a_half_closed_client_gets_its_whole_answer(tiny: Any, stream: bool) -> None:
    """As `nc -N` does: the request, a FIN, and then it waits."""
    fields: dict[str, Any] = {"temperature": 0, "ignore_eos": True, "max_tokens": 200}
    expected = tiny.chat("half-closed", **fields).text
    peer = open_chat(tiny.port, "half-closed", stream=stream, **fields)
    peer.shutdown(socket.SHUT_WR)
    with peer, http.client.HTTPResponse(peer) as answer:  # skips interim responses
        answer.begin()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        reply = Reply(answer.status, headers, answer.read())
        assert (reply.status, reply.text) == (200, expected)
        assert peer.recv(1) == b""


MOST_AFTER_CLOSE = 100
"""Tokens that are decoded until a close is seen, on a busy machine; usually 2 to 6."""


@pytest.mark.parametrize("stream", [True, False])
def test_a_real_close_ends_the_generation(tiny: Any, stream: bool) -> None:
    for _ in range(5):
        assert wait_until(tiny.is_idle)
        before = generated(tiny)
        peer = open_chat(tiny.port, "hello", stream=stream, **ENDLESS)
        assert wait_until(lambda before=before: generated(tiny) > before)
        peer.close()
        at_close = generated(tiny)
        assert wait_until(tiny.is_idle)
        assert generated(tiny) - at_close <= MOST_AFTER_CLOSE


def generated(server: ServerProcess) -> int:
    return int(server.get("/v1/stats").json["engine"]["generated_tokens"])


def test_barge_in(guide: Any) -> None:
    """A caller interrupts: the old answer ends, the new one begins, again and again."""
    question = "Which port does HTTP use?"
    expected = guide.chat(question, temperature=0).text
    assert "16070" in expected
    for _ in range(10):
        peers = [open_chat(guide.port, "hello", stream=True, **ENDLESS) for _ in range(4)]
        for peer in peers:
            assert peer.recv(1)
        assert guide.active == 4  # none is free for the new question
        for peer in peers:
            peer.close()
        assert StreamThread(guide.port, question, temperature=0).text() == expected
        assert wait_until(guide.is_idle)
