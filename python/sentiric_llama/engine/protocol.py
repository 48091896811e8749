# SPDX-License-Identifier: AGPL-3.0-only
"""The seam between `service` and whatever decodes: in this process today, another one later."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from sentiric_llama.engine.stream import AsyncStream
from sentiric_llama.types import Capacity, Device, EngineStats, Message, ModelInfo, Request

FloatArray = npt.NDArray[np.float32]


class AsyncEngineProtocol(Protocol):
    """What `AsyncEngine` offers to the service; fakes implement it in tests.

    Every method but `devices` may be called from the event loop and never blocks it. Failures are
    `SentiricLlamaError`.
    """

    @property
    def info(self) -> ModelInfo: ...

    @property
    def capacity(self) -> Capacity: ...

    def stats(self) -> EngineStats: ...

    def check_room(self) -> None:
        """Raises what `stream` would refuse every request with now, a full queue above all."""
        ...

    def devices(self) -> list[Device]:
        """Asks the drivers, so it may block: the one method to call on a thread."""
        ...

    def submit(self, request: Request, bell: asyncio.Event | None = None) -> AsyncStream:
        """One request, which starts when its stream is opened. `bell` is rung with its news."""
        ...

    async def tokenize_to_array(
        self, text: str, *, add_special: bool = False, parse_special: bool = False
    ) -> array[int]:
        """Four bytes a token: a text of megabytes has as many of them."""
        ...

    async def detokenize(self, tokens: Sequence[int], *, show_special: bool = False) -> str: ...

    async def token_bytes(self, tokens: Sequence[int]) -> list[bytes]:
        """Each token's own bytes, which may be part of a character; control tokens are shown."""
        ...

    async def render_chat(
        self, messages: Sequence[Message], *, add_generation_prompt: bool = True
    ) -> str: ...

    async def adapters(self) -> list[str]:
        """Names of LoRA adapters that requests may give."""
        ...

    async def tokenize_chat(self, messages: Sequence[Message]) -> list[int]: ...

    async def embed(self, texts: Sequence[str]) -> FloatArray: ...

    async def close(self) -> None: ...
