# SPDX-License-Identifier: AGPL-3.0-only
"""Requests that come when they come, whatever became of those before; and as many as are served.

A time counts from the moment a request was due, not from when the generator got round to sending
it: a server that stalls the generator would hide its own waits otherwise (coordinated omission).
"""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any

from benchmarks.load import wire

LONGEST_S = 60.0
"""Of an answer that began."""
Row = dict[str, Any]


async def open_loop(plan: dict[str, Any]) -> dict[str, Any]:
    """Every kind of request at its own rate for `seconds`; a row for each."""
    start = time.monotonic() + 0.5
    due = [
        (at, kind)
        for number, kind in enumerate(plan["kinds"])
        for at in _arrivals(kind["rate"], plan["seconds"], plan["seed"] + number)
    ]
    calls = []
    for at, kind in sorted(due, key=lambda item: item[0]):
        await asyncio.sleep(max(0.0, start + at - time.monotonic()))
        calls.append(asyncio.create_task(_call(plan["port"], kind, start + at)))
    return {"rows": await asyncio.gather(*calls)}


async def closed_loop(plan: dict[str, Any]) -> dict[str, Any]:
    """`clients` that ask again as soon as they were answered: what the server can do."""
    start = time.monotonic()

    async def client() -> list[Row]:
        rows = []
        while (now := time.monotonic()) < start + plan["seconds"]:
            rows.append(await _call(plan["port"], plan["kind"], now))
        return rows

    found = await asyncio.gather(*(client() for _ in range(plan["clients"])))
    rows = [row for rows in found for row in rows]
    return {"rows": rows, "wall": time.monotonic() - start}


def _arrivals(rate: float, seconds: float, seed: int) -> list[float]:
    """A Poisson process: independent callers."""
    rng, at, found = random.Random(seed), 0.0, []
    while (at := at + rng.expovariate(rate)) < seconds:
        found.append(at)
    return found


async def _call(port: int, kind: dict[str, Any], due: float) -> Row:
    """Seconds since it was due; -1 is never."""
    loop = asyncio.get_running_loop()
    exchange = wire.Exchange(kind["request"].encode())
    sent = time.monotonic()
    left = False
    try:
        patience = kind["patience"]
        async with asyncio.timeout(patience):
            await loop.create_connection(lambda: exchange, wire.HOST, port)
            await exchange.started
        async with asyncio.timeout(LONGEST_S):
            await exchange.ended
    except (TimeoutError, OSError) as error:
        left = isinstance(error, TimeoutError)
        exchange.leave()
    return {
        "kind": kind["name"],
        "late": sent - due,
        "left": left,
        "end": time.monotonic() - due,
        "exchange": exchange,
        "due": due,
    }


def report(found: dict[str, Any]) -> dict[str, Any]:
    """The rows without their bytes: read when the load is over."""
    for row in found["rows"]:
        exchange: wire.Exchange = row.pop("exchange")
        due = row.pop("due")
        texts = list(wire.texts_of(exchange.pieces)) if row["kind"] == "chat" else []
        row["status"] = wire.status_of(exchange.pieces)
        row["first"] = texts[0] - due if texts else -1.0
        row["done"] = exchange.pieces[-1][0] - due if exchange.pieces else -1.0
        row["retry_after"] = wire.retry_after(exchange.pieces) if row["status"] >= 400 else ""
    return found
