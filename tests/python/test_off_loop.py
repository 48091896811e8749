# SPDX-License-Identifier: AGPL-3.0-only
"""What large inputs leave to the others: threads, and the order of their calls."""

from __future__ import annotations

import asyncio
import threading

from sentiric_llama.host.off_loop import LARGE_TEXT, NATIVE_THREADS, native, off_loop

NUM_LARGE = 64  # more than the default pool has threads


def test_large_calls_into_c_take_no_thread_of_small_ones() -> None:
    may_end = threading.Event()
    running, most = 0, 0
    lock = threading.Lock()

    def large(number: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        assert may_end.wait(60)
        with lock:
            running -= 1
        return number

    async def main() -> None:
        calls = [asyncio.ensure_future(native(LARGE_TEXT + 1, large, i)) for i in range(NUM_LARGE)]
        await asyncio.sleep(0)
        async with asyncio.timeout(30):
            assert await native(LARGE_TEXT, lambda: "small") == "small"
            assert await off_loop(lambda: "python") == "python"
        assert not any(call.done() for call in calls)
        may_end.set()
        assert await asyncio.gather(*calls) == list(range(NUM_LARGE))

    asyncio.run(main())
    assert most <= NATIVE_THREADS
