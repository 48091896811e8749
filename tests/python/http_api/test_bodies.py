# SPDX-License-Identifier: AGPL-3.0-only
"""All bodies together: what they may hold, and that none holds the event loop."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.requests import Request

from http_client import wait_until
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.http import json_body
from sentiric_llama.http.errors import HttpError
from sentiric_llama.http.json_body import MAX_ITEMS, check_bounds, parse_object, read_as
from sentiric_llama.http.routes import tokens
from sentiric_llama.service import body_budget, service
from sentiric_llama.service.body_budget import FREE_BYTES, BodyBudget, BodyShare
from sentiric_llama.service.tokens import MAX_TOKENS_LISTED

CHAT = "/v1/chat/completions"
LARGE = FREE_BYTES + 64 * 1024  # holds 64 KiB of the budget
ROOM = 2 * (LARGE - FREE_BYTES)  # of `crowded` servers


def chat_body(size: int) -> bytes:
    """A chat request of exactly so many bytes."""
    empty = b'{"messages":[{"role":"user","content":""}]}'
    return empty.replace(b'""', b'"' + b"x" * (size - len(empty)) + b'"')


def open_post(port: int, path: str, announced: int, body: bytes) -> socket.socket:
    """A connection on which a body was begun."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {announced}\r\n\r\n"
    )
    peer = socket.create_connection(("127.0.0.1", port), timeout=20)
    peer.sendall(head.encode() + body)
    return peer


@pytest.fixture
def crowded(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Starts a server with room for two large bodies."""
    monkeypatch.setattr(body_budget, "WHOLE_BODIES", 1)
    assert ROOM == LARGE
    return lambda start, *engine: start(*engine, max_body_bytes=LARGE)


# JSON


def values_in(value: Any) -> Iterator[Any]:
    yield value
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from values_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from values_in(inner)


def random_value(draw: random.Random, depth: int = 0) -> Any:
    kind = draw.randrange(9 if depth < 6 else 6)
    if kind >= 6:
        inner = [random_value(draw, depth + 1) for _ in range(draw.randrange(5))]
        return inner if kind == 6 else {str(draw.random()): value for value in inner}
    text = "".join(draw.choices('a"\\[]{},:\n\u0131\U0001f600 ', k=draw.randrange(12)))
    return (None, True, draw.randrange(-99, 10**12), draw.random() * 1e9, text, text)[kind]


def test_items_are_the_values_that_a_parser_builds() -> None:
    draw = random.Random(7)
    for _ in range(500):
        value = {"a": random_value(draw)}
        for ascii_only in (True, False):
            text = json.dumps(value, ensure_ascii=ascii_only).encode()
            assert check_bounds(text).items == len(list(values_in(value)))
            assert parse_object(text) == value


def strictly(text: bytes) -> Any:
    """What Python's own parser says with all checks in Python; None is a refusal."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError
        return found

    try:
        value = json.loads(text.decode(), object_pairs_hook=unique)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def test_mutated_json_is_judged_as_by_a_slow_and_strict_parser() -> None:
    draw = random.Random(11)
    pool = b'"\\[]{},:0123456789eE+-.truefalsn \xc4\xb1\xff\x00/ud83'
    judged = {True: 0, False: 0}
    for _ in range(4000):
        text = bytearray(json.dumps({"a": random_value(draw)}).encode())
        for _ in range(draw.randrange(3)):
            at = draw.randrange(len(text))
            text[at : at + draw.randrange(2)] = bytes(draw.choices(pool, k=draw.randrange(3)))
        expected = strictly(bytes(text))
        try:
            assert parse_object(text) == expected
        except HttpError:
            assert expected is None, text
        judged[expected is None] += 1
    assert min(judged.values()) > 400


@pytest.mark.parametrize("item", [b"{}", b"[]", b"1", b'""', b"null"])
def test_values_at_and_over_the_limit(item: bytes) -> None:
    def body(count: int) -> bytes:
        return b'{"messages":[' + b",".join([item] * count) + b"]}"

    assert len(parse_object(body(MAX_ITEMS - 3))["messages"]) == MAX_ITEMS - 3
    with pytest.raises(HttpError, match=str(MAX_ITEMS)) as error:
        parse_object(body(MAX_ITEMS - 2))
    assert (error.value.status, error.value.param) == (400, "messages")


def test_no_value_is_built_of_what_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_body.json, "loads", pytest.fail)
    for body in (
        b'{"a":[' + b"[]," * MAX_ITEMS,
        b'{"a":' + b"[" * 40,
        b'{"a":1' + b"0" * 200 + b"}",
    ):
        with pytest.raises(HttpError):
            parse_object(body)


def test_requests_are_read_without_the_engine() -> None:
    code = (
        "import sys\n"
        "from sentiric_llama.http import json_body\n"
        "assert json_body.parse_object(b'{\"a\":1}') == {'a': 1}\n"
        "assert 'sentiric_llama._core' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


# The event loop


async def thread_of(body: bytes, parts: int = 3) -> threading.Thread:
    """Where the body is turned into a value."""
    step = len(body) // parts + 1
    messages = [
        {"type": "http.request", "body": body[at : at + step], "more_body": at + step < len(body)}
        for at in range(0, len(body), step)
    ]

    async def receive() -> Any:
        return messages.pop(0)

    request = Request({"type": "http", "method": "POST", "headers": []}, receive)
    return await read_as(request, lambda _: threading.current_thread())


def test_large_bodies_are_not_read_on_the_loop() -> None:
    asyncio.run(read_bodies_of_all_sizes())


async def read_bodies_of_all_sizes() -> None:
    here = threading.current_thread()
    assert await thread_of(chat_body(json_body.LARGE_BODY)) is here
    others = {await thread_of(chat_body(json_body.LARGE_BODY + 1)) for _ in range(3)}
    others |= set(await asyncio.gather(*[thread_of(chat_body(200_000)) for _ in range(3)]))
    many = b'{"a":[' + b",".join([b"{}"] * json_body.MANY_ITEMS) + b"]}"
    assert len(many) < json_body.LARGE_BODY
    others.add(await thread_of(many))
    assert len(others) == 1 and here not in others, "one thread, or they wait for each other"


def test_long_conversations_are_made_ready_off_the_loop(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    build = service.build_requests

    def note(*args: Any, **options: Any) -> Any:
        seen.append(threading.current_thread().name)
        return build(*args, **options)

    monkeypatch.setattr(service, "build_requests", note)
    server = start()
    words = [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]
    assert server.chat(words * 1000).status == 200
    assert server.chat([{"role": "user", "content": "x" * 100_000}]).status == 200
    function = {"name": "f", "description": "x" * 100_000}
    assert server.chat(words, tools=[{"type": "function", "function": function}]).status == 200
    assert server.chat(words).status == 200
    loop = server.call(loop_thread())
    assert loop not in seen[:3] and seen[3] == loop


async def loop_thread() -> str:
    return threading.current_thread().name


# The sum


def share_of(budget: BodyBudget, count: int, cut: Any = pytest.fail) -> BodyShare:
    share = BodyShare(budget, cut)
    assert share.add(count)
    return share


def test_what_arrived_counts_beyond_the_free_part() -> None:
    budget = BodyBudget(1000)
    small = [share_of(budget, FREE_BYTES) for _ in range(100)]
    assert budget.used == 0
    share = share_of(budget, FREE_BYTES - 10)
    assert share.add(500) and budget.used == 490
    assert share.add(510) and budget.used == 1000
    assert not share.add(1) and budget.used == 1000
    assert small[0].add(0) and not small[0].add(1)
    share.close()
    share.close()
    assert budget.used == 0 and not budget.arriving
    assert small[0].add(1000 - 1)


def test_who_sends_for_long_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    budget = BodyBudget(1000)
    cut: list[str] = []
    whole = share_of(budget, FREE_BYTES + 200)
    whole.complete()
    old = share_of(budget, FREE_BYTES + 300, lambda: cut.append("old"))
    young = share_of(budget, FREE_BYTES + 500, lambda: cut.append("young"))
    newcomer = BodyShare(budget)
    assert not newcomer.add(FREE_BYTES + 100), "they began just now"
    monkeypatch.setattr(body_budget, "UNDISTURBED_S", 0)
    assert newcomer.add(100) and cut == ["old"] and old.held == 0
    assert young.held == 500 and whole.held == 200


def test_a_house_full_of_large_bodies(start: Any, crowded: Any) -> None:
    server = crowded(start)
    budget = server.service.bodies
    peers = [open_post(server.port, CHAT, LARGE, chat_body(LARGE)[:-1]) for _ in range(2)]
    assert wait_until(lambda: budget.used == ROOM - 2)
    refused = server.post(CHAT, chat_body(LARGE))
    assert refused.status == 503 and refused.error["code"] == "unavailable"
    assert int(refused.headers["retry-after"]) >= 1 and refused.headers["connection"] == "close"
    assert budget.used == ROOM - 2, "a refused body holds nothing"
    assert server.post(CHAT, chat_body(FREE_BYTES)).status == 200
    peers[0].close()
    assert wait_until(lambda: budget.used == ROOM // 2 - 1)
    assert server.post(CHAT, chat_body(LARGE)).status == 200
    peers[1].sendall(b"}")
    assert peers[1].recv(65536).startswith(b"HTTP/1.1 200")
    peers[1].close()
    assert wait_until(lambda: budget.used == 0)


def test_a_body_on_its_way_for_long_is_cut_for_the_next(
    start: Any, crowded: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = crowded(start)
    peers = [open_post(server.port, CHAT, LARGE, chat_body(LARGE)[:-1]) for _ in range(2)]
    assert wait_until(lambda: server.service.bodies.used == ROOM - 2)
    monkeypatch.setattr(body_budget, "UNDISTURBED_S", 0)
    assert server.post(CHAT, chat_body(LARGE)).status == 200
    assert peers[0].recv(65536).startswith(b"HTTP/1.1 408")
    peers[1].sendall(b"}")
    assert peers[1].recv(65536).startswith(b"HTTP/1.1 200")


def test_announced_bytes_hold_nothing(start: Any, crowded: Any) -> None:
    server = crowded(start)
    peers = [open_post(server.port, CHAT, LARGE, b"{") for _ in range(8)]
    assert server.post(CHAT, chat_body(LARGE)).status == 200
    for peer in peers:
        peer.close()


def test_every_path_gives_back(start: Any, crowded: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentiric_llama.http.middleware.limits.BODY_TIMEOUT_S", 0.5)
    server = crowded(start)
    budget = server.service.bodies
    statuses = [
        server.post(CHAT, body).status
        for body in (
            chat_body(LARGE),
            chat_body(LARGE)[:-1],  # not JSON
            chat_body(LARGE).replace(b"user", b"nobody")[: LARGE - 4] + b'"}]}',  # a wrong role
            chat_body(LARGE + 1),
        )
    ]
    assert statuses == [200, 400, 400, 413]
    slow = open_post(server.port, CHAT, LARGE, chat_body(LARGE)[:-1])
    assert slow.recv(65536).startswith(b"HTTP/1.1 408")
    slow.close()
    open_post(server.port, CHAT, LARGE, chat_body(LARGE)[:-1]).close()
    assert server.post("/tokenize", b'{"content":"' + b"x" * (LARGE - 14) + b'"}').status == 200
    assert server.post("/nowhere", chat_body(LARGE)).status == 404
    assert wait_until(lambda: budget.used == 0 and not budget.arriving)


def test_a_body_counts_until_its_request_is_answered(start: Any, crowded: Any) -> None:
    engine = lambda: FakeEngine(first_delay_s=60)  # noqa: E731
    server = crowded(start, engine)
    budget = server.service.bodies
    peer = open_post(server.port, CHAT, LARGE, chat_body(LARGE))
    assert wait_until(lambda: server.engine.active == 1)
    assert budget.used == LARGE - FREE_BYTES
    peer.close()
    assert wait_until(lambda: budget.used == 0)


# Tokens


def test_lists_of_ids_at_and_over_the_limit(start: Any) -> None:
    server = start()
    at = server.post("/detokenize", {"tokens": [97] * MAX_TOKENS_LISTED})
    assert at.json == {"content": "a" * MAX_TOKENS_LISTED}
    over = server.post("/detokenize", {"tokens": [97] * (MAX_TOKENS_LISTED + 1)})
    assert over.status == 400 and over.error["param"] == "tokens"
    far_over = server.post("/detokenize", b'{"tokens":[' + b"1," * 1_000_000 + b"1]}")
    assert far_over.error["param"] == "tokens"
    assert str(tokens.MAX_DETOKENIZE_ITEMS) in far_over.error["message"]


@pytest.mark.parametrize("bad", [True, "1", 1.5, -1, None, 2**31, [1]])
def test_ids_that_are_none(server: Any, bad: Any) -> None:
    reply = server.post("/detokenize", {"tokens": [97, bad, 97]})
    assert reply.status == 400 and reply.error["param"] == "tokens"


def test_ids_written_as_whole_floats(server: Any) -> None:
    assert server.post("/detokenize", {"tokens": [97.0, 98]}).json == {"content": "ab"}


def test_text_that_would_be_too_long(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MAX_CONTENT_BYTES", 100)
    server = start()
    assert server.post("/detokenize", {"tokens": [97] * 100}).status == 200
    assert server.post("/detokenize", {"tokens": [97] * 101}).status == 400


@pytest.mark.parametrize("with_pieces", [False, True])
def test_long_lists_are_written_in_steps(with_pieces: bool) -> None:
    asyncio.run(write_long_list("ab\u0131" * 4000, with_pieces))


async def write_long_list(text: str, with_pieces: bool) -> None:
    sent: list[bytes] = []

    async def send(message: Any) -> None:
        sent.append(message.get("body", b""))

    async def receive() -> Any:
        await asyncio.sleep(60)

    engine = FakeEngine()
    ids = await engine.tokenize_to_array(text)
    pieces = {ord(char): char.encode() for char in text} if with_pieces else None
    await tokens.TokensAnswer(ids, pieces)({"type": "http"}, receive, send)
    items = json.loads(b"".join(sent))["tokens"]
    if with_pieces:
        assert "".join(item["piece"] for item in items) == text
        items = [item["id"] for item in items]
    assert items == [ord(char) for char in text]
    assert len(sent) >= len(ids) // tokens.STEP
    assert max(map(len, sent)) < 64 * tokens.STEP
