# SPDX-License-Identifier: AGPL-3.0-only
"""What an engine is told and what it says, as values that can leave this process.

Streams and questions are numbered by whoever sends them. The engine says once per step what became
of all streams, with its statistics.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter

from sentiric_llama.engine.memory import MemoryPlan
from sentiric_llama.errors import SentiricLlamaError, make_error
from sentiric_llama.types import (
    Capacity,
    Delta,
    Device,
    EngineConfig,
    EngineStats,
    Message,
    ModelInfo,
    Request,
)

# To the engine


@dataclass(frozen=True, slots=True)
class Submit:
    """Generate. The engine may be `window` tokens ahead of what was granted."""

    stream: int
    request: Request
    window: int
    kind: Literal["submit"] = "submit"


@dataclass(frozen=True, slots=True)
class Grant:
    """So many tokens of the stream were read."""

    stream: int
    tokens: int
    kind: Literal["grant"] = "grant"


@dataclass(frozen=True, slots=True)
class Cancel:
    """Nobody reads the stream any more; nothing more is said of it."""

    stream: int
    kind: Literal["cancel"] = "cancel"


@dataclass(frozen=True, slots=True)
class Render:
    """The conversation as the chat template writes it -> text."""

    call: int
    messages: tuple[Message, ...]
    add_generation_prompt: bool = True
    kind: Literal["render"] = "render"


@dataclass(frozen=True, slots=True)
class TokenizeChat:
    """The tokens that a request with these messages evaluates -> tokens."""

    call: int
    messages: tuple[Message, ...]
    kind: Literal["tokenize_chat"] = "tokenize_chat"


@dataclass(frozen=True, slots=True)
class Tokenize:
    """-> tokens."""

    call: int
    text: str
    add_special: bool = False
    parse_special: bool = False
    kind: Literal["tokenize"] = "tokenize"


@dataclass(frozen=True, slots=True)
class Detokenize:
    """-> text, or the bytes of each token with `as_pieces`."""

    call: int
    tokens: bytes
    show_special: bool = False
    as_pieces: bool = False
    kind: Literal["detokenize"] = "detokenize"


@dataclass(frozen=True, slots=True)
class Embed:
    """-> rows."""

    call: int
    texts: tuple[str, ...]
    kind: Literal["embed"] = "embed"


@dataclass(frozen=True, slots=True)
class Adapters:
    """Names that a request may give -> names."""

    call: int
    kind: Literal["adapters"] = "adapters"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a configuration would need -> plan. Needs no open engine."""

    call: int
    config: EngineConfig
    kind: Literal["plan"] = "plan"


@dataclass(frozen=True, slots=True)
class Look:
    """What there is to compute on -> devices. Asks the drivers."""

    call: int
    kind: Literal["look"] = "look"


Command = Annotated[
    Submit | Grant | Cancel | Render | TokenizeChat | Tokenize | Detokenize | Embed | Adapters
    | Plan | Look,
    Field(discriminator="kind"),
]  # fmt: skip

# From the engine


@dataclass(frozen=True, slots=True)
class Failure:
    """An error on its way to the caller; `as_error` makes it an exception again."""

    code: str
    where: str
    what: str
    retry_ms: int = 0

    @classmethod
    def of(cls, error: SentiricLlamaError) -> Failure:
        return cls(error.code.value, error.where, error.what, error.retry_ms)

    def as_error(self) -> SentiricLlamaError:
        error = make_error(self.code, self.where, self.what)
        error.retry_ms = self.retry_ms
        return error


@dataclass(frozen=True, slots=True)
class Opened:
    """The model is loaded."""

    info: ModelInfo
    kind: Literal["opened"] = "opened"


@dataclass(frozen=True, slots=True)
class Step:
    """All news of one step. A stream ends with a delta that has `final`, or with a failure."""

    deltas: tuple[tuple[int, Delta], ...]
    failures: tuple[tuple[int, Failure], ...]
    stats: EngineStats
    capacity: Capacity
    kind: Literal["step"] = "step"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question was answered with; the field that its message names is set."""

    call: int
    text: str | None = None
    tokens: bytes | None = None
    """Four bytes each, little-endian."""
    pieces: tuple[bytes, ...] | None = None
    rows: tuple[int, bytes] | None = None
    """Width, and float32 values row by row."""
    names: tuple[str, ...] | None = None
    plan: MemoryPlan | None = None
    devices: tuple[Device, ...] | None = None
    failure: Failure | None = None
    kind: Literal["answer"] = "answer"


News = Annotated[Opened | Step | Answer, Field(discriminator="kind")]

_CONFIG = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64", ser_json_inf_nan="constants")
_COMMANDS: TypeAdapter[Any] = TypeAdapter(Command, config=_CONFIG)
_NEWS: TypeAdapter[Any] = TypeAdapter(News, config=_CONFIG)


def encode_command(command: Any) -> bytes:
    """One message to the engine as JSON."""
    return _COMMANDS.dump_json(command)


def decode_command(data: bytes) -> Any:
    """Raises ValueError for what is no message."""
    return _COMMANDS.validate_json(data)


def encode_news(news: Any) -> bytes:
    """One message of the engine as JSON."""
    return _NEWS.dump_json(news)


def decode_news(data: bytes) -> Any:
    """Raises ValueError for what is no message."""
    return _NEWS.validate_json(data)
