# SPDX-License-Identifier: AGPL-3.0-only
"""Python work that grows with what a caller sent, away from the event loop.

One thread for each loop: with several, the loop would wait for the interpreter lock behind each of
them. What runs here should be many short steps; one long call into C holds the lock throughout.
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

T = TypeVar("T")
P = ParamSpec("P")

_threads: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, ThreadPoolExecutor]
_threads = weakref.WeakKeyDictionary()


async def off_loop(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What the function returns, called on the thread of this loop, in the order of the calls."""
    loop = asyncio.get_running_loop()
    thread = _threads.get(loop)
    if thread is None:
        thread = _threads[loop] = ThreadPoolExecutor(1, "sentiric-off-loop")
    context = contextvars.copy_context()
    work = functools.partial(context.run, function, *args, **kwargs)
    return await loop.run_in_executor(thread, work)


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
