# SPDX-License-Identifier: AGPL-3.0-only
"""Work that grows with what a caller sent, away from the event loop.

Python work has one thread for each loop: with several, the loop would wait for the interpreter lock
behind each of them. It should be many short steps; one long call into C holds the lock throughout.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from sentiric_llama.types import Message

LARGE_TEXT = 64 * 1024
MANY_MESSAGES = 256
NATIVE_THREADS = 32

T = TypeVar("T")
P = ParamSpec("P")

_Executors = weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, ThreadPoolExecutor]
_for_python: _Executors = weakref.WeakKeyDictionary()
_for_native: _Executors = weakref.WeakKeyDictionary()


async def off_loop(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What the function returns, called on the thread of this loop, in the order of the calls."""
    return await _on_threads(_for_python, 1, functools.partial(function, *args, **kwargs))


async def native(size: int, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The same for a call into C that lets the lock go and works on `size` bytes or tokens.

    Large ones wait on threads of their own for the engine, which puts them in order.
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
    """Here and now unless it takes long: what is short does not wait behind what is not."""
    if is_long:
        return await off_loop(function, *args, **kwargs)
    return function(*args, **kwargs)


def is_large(messages: Sequence[Message]) -> bool:
    """Too much to be worked on in one turn of the event loop."""
    try:
        if len(messages) > MANY_MESSAGES:
            return True
        return sum(len(message.content) for message in messages) > LARGE_TEXT
    except (AttributeError, TypeError):  # no messages at all: whoever converts them says so
        return False
