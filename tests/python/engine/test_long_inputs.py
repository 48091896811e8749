# SPDX-License-Identifier: AGPL-3.0-only
"""What grows with a caller's text stays away from the event loop, and says the same as before."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from sentiric_llama.engine.aio import AsyncEngine
from sentiric_llama.engine.handle import EngineHandle
from sentiric_llama.errors import ContextLengthExceeded
from sentiric_llama.types import Message, Request

TEXT = "Merhaba dünya, <s> hello \U0001f600 world.\n" * 200
SHORT = Request(messages=(Message("user", "x"),), max_tokens=1)
LONG = Request(messages=(Message("user", "x" * 100_000),), truncation="error")
MANY = Request(messages=(Message("user", "x"),) * 1000, truncation="error")


def test_long_requests_are_converted_off_the_loop(
    small_q8_0: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []
    convert = EngineHandle.checked

    def note(handle: EngineHandle, request: Request) -> Any:
        threads.append(threading.current_thread())
        return convert(handle, request)

    monkeypatch.setattr(EngineHandle, "checked", note)

    async def main() -> None:
        async with await AsyncEngine.open(str(small_q8_0), contexts=1, context_size=128) as engine:
            assert [delta async for delta in engine.stream(SHORT)]
            for request in (LONG, MANY):
                with pytest.raises(ContextLengthExceeded):
                    assert not [delta async for delta in engine.stream(request)]

    asyncio.run(main())
    here, *others = threads
    assert here is threading.main_thread()
    assert len(others) == 2 and len(set(others)) == 1 and here not in others


def test_tokens_as_an_array_and_their_bytes(small_q8_0: Path) -> None:
    async def main() -> None:
        async with await AsyncEngine.open(str(small_q8_0), contexts=1, context_size=128) as engine:
            listed = await engine.tokenize(TEXT)
            array = await engine.tokenize_to_array(TEXT)
            assert array.itemsize == 4 and array.tolist() == listed
            tokens = sorted(set(listed))
            pieces = dict(zip(tokens, await engine.token_bytes(tokens), strict=True))
            joined = b"".join(pieces[token] for token in listed).decode()
            assert joined.removeprefix(" ") == TEXT
            for token in tokens:
                once = await engine.detokenize([token], show_special=True)
                twice = await engine.detokenize([token] * 2, show_special=True)
                if "\ufffd" not in twice:
                    assert once + pieces[token].decode() == twice

    asyncio.run(main())
