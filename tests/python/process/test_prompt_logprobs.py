# SPDX-License-Identifier: AGPL-3.0-only
"""Log-probabilities of a prompt come from another process as they are, and once."""

from __future__ import annotations

import asyncio
import math
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from process_tools import GREEDY, opened
from sentiric_llama.engine.blocking import Engine
from sentiric_llama.engine.process.engine import ProcessEngine
from sentiric_llama.engine.process.live_request import LiveRequest
from sentiric_llama.types import ChosenLogprob, Delta, Request, TokenLogprob

PROMPT = [1, *range(400, 640)]
ASKED = Request(tokens=PROMPT, sampling=GREEDY, max_tokens=3, prompt_logprobs=2)
Entries = list[ChosenLogprob]


def expected(path: Path) -> Entries:
    with Engine(str(path), contexts=4, context_size=256, compute_threads=1) as engine:
        deltas = list(engine.stream(PROMPT, GREEDY, max_tokens=3, prompt_logprobs=2))
    return [entry for delta in deltas for entry in delta.prompt_logprobs]


async def entries_of(engine: ProcessEngine, *, kills: bool = False) -> Entries:
    found: Entries = []
    async for delta in engine.submit(ASKED):
        if kills and not found:
            os.kill(engine.pid, signal.SIGKILL)
        found += delta.prompt_logprobs
    return found


@pytest.mark.parametrize("kills", [False, True])
def test_each_comes_once_even_if_the_process_dies(small_q8_0: Path, kills: bool) -> None:
    async def main() -> Entries:
        async with opened(small_q8_0) as engine:
            return await entries_of(engine, kills=kills)

    found = asyncio.run(main())
    assert math.isnan(found[0].chosen.logprob) and len(found) == len(PROMPT)
    assert found[1:] == expected(small_q8_0)[1:]


def entry(token: int) -> ChosenLogprob:
    return ChosenLogprob(TokenLogprob(token, b"x", -1.0))


def test_what_was_delivered_is_not_delivered_again() -> None:
    live = LiveRequest(1, ASKED, lambda _item: None)
    live.command()
    assert len(live.take(Delta(prompt_logprobs=tuple(map(entry, range(5))))).prompt_logprobs) == 5
    live.command()  # to another process
    assert live.take(Delta(prompt_logprobs=tuple(map(entry, range(3))))).prompt_logprobs == ()
    rest = live.take(Delta(prompt_logprobs=tuple(map(entry, range(3, 8)))))
    assert [each.chosen.token for each in rest.prompt_logprobs] == [5, 6, 7]
    assert live.scored == 8


def test_what_was_not_asked_for_is_refused() -> None:
    for request in (replace(ASKED, prompt_logprobs=None), ASKED):
        live = LiveRequest(1, request, lambda _item: None)
        live.take(Delta("a", tokens=(1,)))
        with pytest.raises(ValueError, match="not asked for"):
            live.take(Delta(prompt_logprobs=(entry(1),)))
    live = LiveRequest(1, ASKED, lambda _item: None)
    with pytest.raises(ValueError, match="granted"):
        live.take(Delta(prompt_logprobs=tuple(map(entry, range(2000)))))
