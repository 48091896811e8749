# SPDX-License-Identifier: AGPL-3.0-only
"""What `ps` makes of the statistics: every number, GPUs and calls, in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from observe_tools import run_service
from sentiric_llama.access.caller import Caller
from sentiric_llama.commands.watch.ps import MOST_CALLS, RATES, TIMES, rows_of
from sentiric_llama.locale import messages
from sentiric_llama.metrics.snapshot import snapshot
from sentiric_llama.service.chat_call import ChatCall
from sentiric_llama.service.service import LlamaService
from sentiric_llama.types import Device, Message

MIB = 2**20


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    messages.set_language("en")
    yield
    messages.set_language("en")


def real_snapshot() -> dict[str, Any]:
    """Of a service that answered once and has two GPUs."""
    found: list[dict[str, Any]] = []

    async def body(service: LlamaService) -> None:
        service.devices = tuple(
            Device(f"CUDA{number}", "X 1", "gpu", MIB, (2 + number) * MIB) for number in range(2)
        )
        await service.chat(ChatCall(messages=(Message("user", "hello"),)))
        found.append(snapshot(service, Caller()))

    run_service(body)
    return found[0]


def test_names_are_those_of_the_statistics() -> None:
    stats = real_snapshot()
    assert RATES.keys() == stats["rates"].keys() - {"window_s"}
    assert TIMES.keys() == stats["latency"].keys() - {"window_s", "count"}


def test_every_row() -> None:
    rows = dict(rows_of(real_snapshot()))
    assert rows["contexts"] == "░░░░ 0/4" and rows["queue"] == "0"
    assert rows["requests"] == "1 total, 1 ok, 0 cancelled, 0 failed"
    assert rows["prompt cache hits"] == "0 %" and rows["prompt tokens/s"] == "–"
    assert rows["CUDA0 X 1"] == "1 MiB / 2 MiB" and rows["CUDA1 X 1"] == "2 MiB / 3 MiB"
    assert rows["total ms"].startswith("p50 ") and "–" not in rows["total ms"]


def test_running_calls() -> None:
    call = {"request_id": "0123456789abcdef", "protocol": "grpc", "endpoint": "chat"}
    call |= {"phase": "answering", "tokens": 7, "age_ms": 1234.5}
    name, text = rows_of({"running": [call]})[-1]
    assert (name, text) == ("0123456789ab", "chat over grpc, answering, 7 tokens, 1.2 s")
    assert rows_of({"running": [call] * (MOST_CALLS + 3)})[-1] == ("…", "3 more")


def test_a_server_that_says_nothing_is_shown_with_dashes() -> None:
    rows = dict(rows_of({"memory": None, "running": "?"}))
    assert rows["model"] == rows["prompt cache hits"] == rows["prompt tokens/s"] == "–"
    assert rows["memory"] == "–, – private"


def test_every_row_has_a_turkish_name() -> None:
    english = [name for name, _ in rows_of(real_snapshot())]
    messages.set_language("tr")
    turkish = [name for name, _ in rows_of(real_snapshot())]
    same = {a for a, b in zip(english, turkish, strict=True) if a == b}
    assert same == {"model", "CUDA0 X 1", "CUDA1 X 1"}
