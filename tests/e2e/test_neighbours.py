# SPDX-License-Identifier: AGPL-3.0-only
"""Clients that stream at the same time: their pieces interleave, their texts do not change."""

from __future__ import annotations

import itertools
import threading
from typing import Any

from http_client import StreamThread, wait_until

CLIENTS = 8
TOKENS = 160


def fields_of(index: int) -> dict[str, Any]:
    """Different requests: greedy and seeded, short and long prompts, penalties."""
    content = f"client {index} says " + "word " * (37 * index)
    fields: dict[str, Any] = {"content": content, "max_tokens": TOKENS, "ignore_eos": True}
    if index % 2 == 0:
        return fields | {"temperature": 0}
    return fields | {"temperature": 1.1, "seed": 1000 + index, "repeat_penalty": 1.3}


def streams_at_once(port: int) -> tuple[list[str], list[int]]:
    """What each client got, and which client got each piece, in order of arrival."""
    arrivals: list[int] = []
    lock = threading.Lock()

    def note(index: int) -> None:
        with lock:
            arrivals.append(index)

    threads = [
        StreamThread(port, on_piece=lambda index=index: note(index), **fields_of(index))
        for index in range(CLIENTS)
    ]
    return [thread.text() for thread in threads], arrivals


def test_eight_streams_interleave_and_each_equals_its_solo_run(tiny: Any) -> None:
    solo = [StreamThread(tiny.port, **fields_of(index)).text() for index in range(CLIENTS)]
    assert len(set(solo)) == CLIENTS and all(solo)
    together, arrivals = streams_at_once(tiny.port)
    assert together == solo
    changes = sum(before != after for before, after in itertools.pairwise(arrivals))
    assert changes > 5 * CLIENTS  # one after another there would be 7
    firsts = [arrivals.index(index) for index in range(CLIENTS)]
    lasts = [len(arrivals) - 1 - arrivals[::-1].index(index) for index in range(CLIENTS)]
    assert max(firsts) < min(lasts)  # there was a moment at which all eight were answered


def test_neighbours_that_come_and_go_change_nothing(tiny: Any) -> None:
    solo = StreamThread(tiny.port, **fields_of(0), n=1).text()
    long = fields_of(0) | {"max_tokens": 1800}  # a fast machine must not be done before them
    expected = StreamThread(tiny.port, **long).text()
    assert expected.startswith(solo)
    stream = StreamThread(tiny.port, **long)
    assert wait_until(lambda: len(stream.pieces) > 20)
    for index in range(1, 6):
        assert tiny.chat("x " * 150 * index, max_tokens=5).status == 200
    assert stream.text() == expected


def test_choices_of_one_request_equal_separate_requests(tiny: Any) -> None:
    fields: dict[str, Any] = {"max_tokens": 40, "ignore_eos": True, "temperature": 1.0}
    whole = tiny.chat("hello", n=4, seed=5, **fields).json
    texts = [choice["message"]["content"] for choice in whole["choices"]]
    assert texts == [tiny.chat("hello", seed=5 + i, **fields).text for i in range(4)]
    assert len(set(texts)) == 4


def test_more_requests_than_contexts_wait_for_their_turn(tiny: Any) -> None:
    expected = tiny.chat("queue", max_tokens=30, temperature=0, ignore_eos=True).text
    fields: dict[str, Any] = {"max_tokens": 30, "temperature": 0, "ignore_eos": True}
    threads = [StreamThread(tiny.port, "queue", **fields) for _ in range(3 * CLIENTS)]
    assert [thread.text() for thread in threads] == [expected] * len(threads)
