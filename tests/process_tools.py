# SPDX-License-Identifier: AGPL-3.0-only
"""What tests of engine processes share: fifteen streams, what a process holds, pauses."""

from __future__ import annotations

import asyncio
import gc
import os
import re
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sentiric_llama.engine.process.engine import ProcessEngine
from sentiric_llama.engine.protocol import EngineState
from sentiric_llama.types import EngineConfig, Grammar, Message, Request, SamplingParams

FAULTY = Path(__file__).parents[1] / "build/dev/tests/cpp/process/faulty-engine"
"""`native_programs.built` builds it."""
KILLS = int(os.environ.get("SENTIRIC_KILLS", "0"))
"""How often `make kills` sends SIGKILL; each other fault comes a fifth as often."""
EACH = KILLS // 5
GREEDY = SamplingParams(temperature=0)
LENGTH = 60
SCHEMA = (
    '{"type": "object", "properties": {"name": {"type": "string", "maxLength": 12},'
    ' "tags": {"type": "array", "items": {"enum": ["a", "b", "c"]}, "maxItems": 4}},'
    ' "required": ["name", "tags"]}'
)


def asked(number: int, **fields: Any) -> Request:
    sampling = SamplingParams(temperature=0.9, top_k=50, seed=number, repeat_penalty=1.1)
    request = Request(
        text=f"story {number} ", sampling=sampling, max_tokens=LENGTH, ignore_eos=True
    )
    return replace(request, **fields)


def chat(text: str, **fields: Any) -> Request:
    return Request(messages=(Message("user", text),), max_tokens=40, **fields)


VARIETY = (
    asked(1),
    asked(2, sampling=GREEDY),
    asked(3, sampling=replace(asked(3).sampling, xtc_probability=0.4, min_p=0.02)),
    asked(4, grammar=Grammar("json_object"), ignore_eos=False),
    asked(5, stop=("q", "zz")),
    chat("hello", sampling=GREEDY),
    asked(7, sampling=replace(asked(7).sampling, top_logprobs=2)),
    asked(8, grammar=Grammar("json_schema", SCHEMA), ignore_eos=False),
    asked(9, adapters=(("poems", 1.0),)),
    chat("good day", sampling=asked(10).sampling, stop=("e ",)),
    *(asked(n) for n in range(11, 16)),
)
"""Fifteen streams, of which four run at a time."""

Answer = tuple[str, int, str]
"""Text, number of tokens, and how it ended."""


@asynccontextmanager
async def opened(path: Path, **options: Any) -> AsyncIterator[ProcessEngine]:
    """An engine process with four contexts; `adapters` is a folder of them."""
    fields: dict[str, Any] = {"contexts": 4, "context_size": 256, "compute_threads": 1, **options}
    stall_s = fields.pop("stall_s", 30.0)
    fields["lora_dir"] = str(fields.pop("adapters", ""))
    engine = await ProcessEngine.open(EngineConfig(str(path), **fields), stall_s=stall_s)
    try:
        yield engine
    finally:
        await engine.close()


async def text_of(engine: ProcessEngine, request: Request) -> Answer:
    """What one stream gives. It ends once: with a reason, or with the error that is raised."""
    text, tokens, reason, ends = "", 0, "", 0
    async with engine.submit(request) as deltas:
        put = deltas._put  # type: ignore[attr-defined]

        def counted(item: Any) -> None:
            nonlocal ends
            ends += getattr(item, "final", item) is not None  # errors have no `final`
            put(item)

        deltas._put = counted  # type: ignore[attr-defined]
        try:
            async for delta in deltas:
                text += delta.text
                tokens += len(delta.tokens)
                if delta.final is not None:
                    reason = delta.final.finish_reason
                    assert delta.final.usage.completion_tokens == tokens
        finally:
            await asyncio.sleep(0)
            assert ends <= 1, "two ends"
    assert reason and ends == 1
    return text, tokens, reason


async def texts_of(engine: ProcessEngine, requests: Sequence[Request] = VARIETY) -> list[Answer]:
    return list(await asyncio.gather(*(text_of(engine, each) for each in requests)))


def forget_deaths(engine: ProcessEngine) -> None:
    """As if minutes had passed: so many deaths in a row would be a crash loop."""
    engine._supervisor._deaths.times.clear()


class Pauses:
    """How long an engine was away, each time."""

    def __init__(self, engine: ProcessEngine) -> None:
        self.seconds: list[float] = []
        self._since: float | None = None
        engine.observe(self._note)

    def begin(self) -> None:
        """Now, not only when the death is noticed."""
        self._since = time.monotonic()

    def _note(self, state: EngineState) -> None:
        if state is EngineState.RESTARTING and self._since is None:
            self.begin()
        elif state is EngineState.RUNNING and self._since is not None:
            self.seconds.append(time.monotonic() - self._since)
            self._since = None


@dataclass(frozen=True, slots=True)
class Held:
    """What a process holds for engine processes. Restarts must not add to it."""

    descriptors: int
    threads: int
    children: int
    """Zombies count."""
    pages: int
    """Mappings of memory that is shared with an engine process."""


def held() -> Held:
    """What this process holds now, apart from what only waits for the garbage collector.

    Threads of pools do not count: asyncio's grows to its size when it is used.
    """
    gc.collect()
    pooled = sum(thread.name.startswith("asyncio_") for thread in threading.enumerate())
    found = held_by(os.getpid())
    return replace(found, threads=found.threads - pooled)


def held_as(before: Held) -> bool:
    """True if this process holds what it held; threads that other tests left may have ended."""
    now = held()
    return now.threads <= before.threads and replace(now, threads=before.threads) == before


def held_by(pid: int) -> Held:
    folder = Path(f"/proc/{pid}")
    maps = (folder / "maps").read_text()
    return Held(
        len(os.listdir(folder / "fd")),
        len(os.listdir(folder / "task")),
        len(children_of(pid)),
        maps.count("memfd:sentiric-flight"),
    )


def private_bytes(pid: int) -> int:
    """Resident memory of a process that is its own: its heaps, not files."""
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * int(re.findall(r"RssAnon:\s+(\d+)", status)[0])


def children_of(pid: int) -> list[int]:
    """Those that have ended and wait for their parent, too."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]
