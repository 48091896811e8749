# SPDX-License-Identifier: AGPL-3.0-only
"""Runs work that grows with a caller's input on threads, so that it does not block the event loop.

Python work gets one thread per loop: with more, the loop would wait for the GIL behind each of
them. It should consist of short steps, because one long call into C holds the GIL throughout.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import weakref
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

LARGE_TEXT = 64 * 1024
"""Characters; work on longer texts does not belong on the event loop."""
NATIVE_THREADS = 32

T = TypeVar("T")
P = ParamSpec("P")

_Executors = weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, ThreadPoolExecutor]
_for_python: _Executors = weakref.WeakKeyDictionary()
_for_native: _Executors = weakref.WeakKeyDictionary()


async def off_loop(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Calls a function on the one thread of this loop. Calls run in order."""
    return await _on_threads(_for_python, 1, functools.partial(function, *args, **kwargs))


async def native(size: int, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Calls a native function that releases the GIL and works on `size` characters or tokens.

    Large calls get their own threads, where they wait for the engine, which runs them in order.
    """
    if size <= LARGE_TEXT:
        return await asyncio.to_thread(function, *args, **kwargs)
    work = functools.partial(function, *args, **kwargs)
    return await _on_threads(_for_native, NATIVE_THREADS, work)


async def _on_threads(threads: _Executors, count: int, work: Callable[[], T]) -> T:
    loop = asyncio.get_running_loop()
    pool = threads.get(loop)
    if pool is None:
        pool = threads[loop] = ThreadPoolExecutor(count, "sentiric-off-loop")
    return await loop.run_in_executor(pool, contextvars.copy_context().run, work)


async def maybe_off_loop(
    is_long: bool, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Calls the function here, or on the loop's thread if it takes long."""
    if is_long:
        return await off_loop(function, *args, **kwargs)
    return function(*args, **kwargs)


async def to_its_end(work: Awaitable[T]) -> T:
    """Waits for work that goes on when its task is cancelled, which is then told when it ended.

    Whoever takes turns would let in the next one beside it otherwise.
    """
    future = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        if not future.done():
            await asyncio.wait([future])
        raise
