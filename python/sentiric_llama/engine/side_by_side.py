# SPDX-License-Identifier: AGPL-3.0-only
"""Several requests of one thread at the same time.

The thread reads whichever stream has an item. Read one after another, all but the first would use
up their credit, stop being decoded, and fail after `READER_WAIT_MS`.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from typing import Protocol

from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.types import Completion, Delta, Request


class _Stream(Iterator[Delta], AbstractContextManager["_Stream"], Protocol):
    """What `Engine.submit` returns."""


Submit = Callable[[Request, Callable[[], None]], _Stream]


def generate_side_by_side(
    submit: Submit, requests: Sequence[Request], most: int
) -> list[Completion]:
    """Runs up to `most` requests at once, so that the queue never fills, and returns all answers.

    The first error cancels the rest. It has the text of its own request in `partial` and a note
    with the index of the prompt.
    """
    ready: queue.SimpleQueue[int] = queue.SimpleQueue()
    answers: list[list[Delta]] = [[] for _ in requests]
    streams: dict[int, _Stream] = {}
    waiting = iter(range(len(requests)))
    with ExitStack() as stack:

        def start_next() -> None:
            number = next(waiting, None)
            if number is None:
                return
            try:
                stream = submit(requests[number], partial(ready.put, number))
            except SentiricLlamaError as error:
                name_prompt(error, number)
                raise
            streams[number] = stack.enter_context(stream)

        for _ in range(min(most, len(requests))):
            start_next()
        while streams:
            number = ready.get()
            try:
                delta = next(streams[number])
            except SentiricLlamaError as error:
                error.partial = "".join(delta.text for delta in answers[number])
                name_prompt(error, number)
                raise
            answers[number].append(delta)
            if delta.final is not None:
                del streams[number]
                start_next()
    return [Completion.join(deltas) for deltas in answers]


def name_prompt(error: SentiricLlamaError, number: int) -> None:
    """Adds a note with the index of the prompt in the list that the error belongs to."""
    error.add_note(f"in prompt {number} of the list")
