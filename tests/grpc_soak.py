# SPDX-License-Identifier: AGPL-3.0-only
"""Cancelled gRPC calls by the thousand over the real engine: does anything stay behind?

`python tests/grpc_soak.py 50000` prints what the server held before and after. The server runs in
this process, its callers in another, so that memory is the server's alone.
"""

from __future__ import annotations

import asyncio
import gc
import random
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

CALLERS = 16
WARM_UP = 1000


@dataclass(frozen=True)
class Held:
    """What a server holds; all but memory must be the same afterwards."""

    tasks: int
    threads: int
    descriptors: int
    active: int
    queued: int
    in_flight: int
    rss_anon_kib: int


async def soak(calls: int, model: Path, warm_up: int = WARM_UP) -> tuple[Held, Held, Any]:
    """Held after the warm-up and after the calls, and the engine's counters."""
    from sentiric_llama.engine.aio import AsyncEngine
    from sentiric_llama.rpc.server import RpcServer
    from sentiric_llama.service.models.slot import ServedModel
    from sentiric_llama.service.service import LlamaService
    from sentiric_llama.settings.config import Settings
    from sentiric_llama.tls.setup import TlsSetup
    from sentiric_llama.types import EngineConfig

    settings = Settings(grpc_port=0)
    service = LlamaService(settings)
    server = RpcServer(service, settings, TlsSetup())
    await server.start()
    config = EngineConfig(
        model_path=str(model),
        contexts=4,
        context_size=512,
        compute_threads=1,
        queue_limit=64,
        host_cache_bytes=0,  # it is there to fill up
    )
    async with await AsyncEngine.open(config) as engine:
        service.attach(engine, ServedModel("soak"))

        async def run(count: int, first: int) -> Held:
            command = [sys.executable, __file__, "--callers", str(server.port)]
            child = await asyncio.create_subprocess_exec(*command, str(count), str(first))
            assert await child.wait() == 0
            return await settled(service, engine)

        before = await run(warm_up, 0)
        after = await run(calls, warm_up)
        stats = engine.stats()
    await server.stop(0)
    return before, after, stats


async def settled(service: Any, engine: Any) -> Held:
    """What is held once it no longer changes."""
    seen, found = None, held(service, engine)
    async with asyncio.timeout(60):
        while seen is None or counts(seen) != counts(found) or found.active or found.in_flight:
            await asyncio.sleep(0.2)
            seen, found = found, held(service, engine)
    return found


def counts(found: Held) -> tuple[int, ...]:
    """Everything but memory."""
    return (found.tasks, found.threads, found.descriptors, found.active, found.queued)


def held(service: Any, engine: Any) -> Held:
    gc.collect()
    status = Path("/proc/self/status").read_text().splitlines()
    memory = next(int(line.split()[1]) for line in status if line.startswith("RssAnon"))
    return Held(
        tasks=len(asyncio.all_tasks()),
        threads=threading.active_count(),
        descriptors=len(list(Path("/proc/self/fd").iterdir())),
        active=engine.capacity.active,
        queued=engine.stats().queued,
        in_flight=service.in_flight,
        rss_anon_kib=memory,
    )


async def call_many(port: int, count: int, first: int) -> None:
    """Callers that leave at random points."""
    from sentiric_llama.rpc.generated import llama_pb2, llama_pb2_grpc

    numbers = iter(range(first, first + count))

    async def caller(stub: Any) -> None:
        for number in numbers:
            chance = random.Random(number)
            prompt = f"{number} " + "word " * chance.choice([1, 1, 40])
            call = stub.GenerateStream(llama_pb2.GenerateStreamRequest(user_prompt=prompt))
            for _ in range(chance.randrange(4)):
                await asyncio.sleep(0)
            for _ in range(chance.choice([0, 0, 1, 2, 5])):
                await call.read()
            call.cancel()
            await call.code()

    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = llama_pb2_grpc.LlamaServiceStub(channel)  # type: ignore[no-untyped-call]
        await asyncio.gather(*(caller(stub) for _ in range(CALLERS)))


def main(calls: int) -> None:
    import models

    started = time.monotonic()
    before, after, stats = asyncio.run(soak(calls, models.model("tiny-q8_0")))
    growth = after.rss_anon_kib - before.rss_anon_kib
    print(f"before {before}\nafter  {after}")
    print(f"{calls} calls in {time.monotonic() - started:.0f} s: {growth} KiB more, "
          f"{1024 * growth / calls:.0f} bytes a call; {stats.requests_cancelled} of "
          f"{stats.requests_submitted} requests were cancelled in the engine")  # fmt: skip


if __name__ == "__main__":
    if sys.argv[1] == "--callers":
        asyncio.run(call_many(*map(int, sys.argv[2:])))
    else:
        main(int(sys.argv[1]))
