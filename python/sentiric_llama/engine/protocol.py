# SPDX-License-Identifier: AGPL-3.0-only
"""The interface between `service` and an engine, in this process or behind messages."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, TypeAlias, Unpack

from sentiric_llama.engine.prompt.conversation import ChatPrompt, RenderOptions
from sentiric_llama.engine.stream import AsyncStream
from sentiric_llama.types import (
    Capacity,
    Device,
    EngineStats,
    ModelInfo,
    Request,
)
from sentiric_llama.types.rendering import ChatRendering

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

FloatArray: TypeAlias = "npt.NDArray[np.float32]"
"""Embeddings and logits."""


class EngineState(StrEnum):
    """Whether an engine works on its requests."""

    RUNNING = "running"
    RESTARTING = "restarting"
    """Its process died. Requests wait for the next one."""
    LOST = "lost"
    """Its processes kept dying. Its requests have failed, and so will others."""


@dataclass(frozen=True, slots=True)
class ProcessFacts:
    """The process that an engine runs in, and what became of those before it."""

    pid: int
    """0 between two processes."""
    restarts: int = 0
    resubmitted: int = 0
    """Requests that were sent again after a restart."""
    quarantined: int = 0
    """Requests that were rejected because they crashed two processes."""


class AsyncEngineProtocol(Protocol):
    """What the service needs of an engine; `AsyncEngine` and `FakeEngine` implement it.

    Every method but `devices` may be called from the event loop and never blocks it. Failures are
    `SentiricLlamaError`.
    """

    @property
    def info(self) -> ModelInfo: ...

    @property
    def capacity(self) -> Capacity: ...

    @property
    def state(self) -> EngineState: ...

    @property
    def process(self) -> ProcessFacts | None:
        """None if the engine runs in this process."""
        ...

    def observe(self, changed: Callable[[EngineState], None]) -> None:
        """Calls `changed` on the event loop with every new state."""
        ...

    def stats(self) -> EngineStats: ...

    def check_room(self) -> None:
        """Raises the error that every request would be refused with now, such as Overloaded."""
        ...

    def devices(self) -> list[Device]:
        """Asks the drivers, which may block: call it on a thread."""
        ...

    def submit(self, request: Request, wakeup: asyncio.Event | None = None) -> AsyncStream:
        """Makes the stream of a request, which starts when it is opened.

        `wakeup` is set whenever the stream has an item; several streams may share one.
        """
        ...

    async def tokenize_to_array(
        self, text: str, *, add_special: bool = False, parse_special: bool = False
    ) -> array[int]:
        """Token ids in four bytes each: a text of megabytes has millions of them."""
        ...

    async def detokenize(self, tokens: Sequence[int], *, show_special: bool = False) -> str: ...

    async def token_bytes(self, tokens: Sequence[int]) -> list[bytes]:
        """The bytes of each token, which may be part of a character. Shows control tokens."""
        ...

    async def render_chat(self, messages: ChatPrompt, **options: Unpack[RenderOptions]) -> str: ...

    async def adapters(self) -> list[str]:
        """The LoRA adapters that requests may name."""
        ...

    async def tokenize_chat(
        self, messages: ChatPrompt, **options: Unpack[RenderOptions]
    ) -> list[int]: ...

    async def describe_chat(self, request: Request) -> ChatRendering:
        """The prompt of a request with messages, as it would be evaluated now."""
        ...

    async def embed(
        self, texts: str | Sequence[str], prompts: Sequence[Sequence[int]] = ()
    ) -> FloatArray:
        """A row for each text, then one for each list of token ids."""
        ...

    async def close(self) -> None: ...
