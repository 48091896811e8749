# SPDX-License-Identifier: AGPL-3.0-only
"""The messages between a service and an engine in another process.

The sender numbers its streams and calls with one counter; a call is answered by one `Answer`. After
each step the engine sends one `Step` with the deltas of all streams. `cpp/process/` is the other
end. What the engine counts needs no message: see `process/flight_page.py`.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter
from pydantic_core import to_json

from sentiric_llama.engine.memory.plan import MemoryPlan
from sentiric_llama.errors import ErrorCode, SentiricLlamaError, make_error
from sentiric_llama.types import (
    Delta,
    Device,
    EngineConfig,
    Message,
    ModelInfo,
    Request,
    Tool,
)

# To the engine

ERROR_CODES = frozenset(code.value for code in ErrorCode)


@dataclass(frozen=True, slots=True)
class Submit:
    """Starts a stream. The engine may be `window` tokens ahead of what was granted."""

    stream: int
    request: Request
    window: int
    kind: Literal["submit"] = "submit"


@dataclass(frozen=True, slots=True)
class Grant:
    """Reports how many tokens of a stream were read."""

    stream: int
    tokens: int
    kind: Literal["grant"] = "grant"


@dataclass(frozen=True, slots=True)
class Cancel:
    """Ends a stream. The engine sends nothing more of it."""

    stream: int
    kind: Literal["cancel"] = "cancel"


@dataclass(frozen=True, slots=True)
class Render:
    """Renders a conversation with the chat template -> text."""

    call: int
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    template_arguments: str = ""
    continues: bool = False
    add_generation_prompt: bool = True
    kind: Literal["render"] = "render"


@dataclass(frozen=True, slots=True)
class TokenizeChat:
    """Asks for the tokens that a request with this conversation evaluates -> tokens."""

    call: int
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    template_arguments: str = ""
    continues: bool = False
    add_generation_prompt: bool = True
    kind: Literal["tokenize_chat"] = "tokenize_chat"


@dataclass(frozen=True, slots=True)
class DescribeChat:
    """Asks how the prompt of a request is written -> text, tokens, begins, cached."""

    call: int
    request: Request
    kind: Literal["describe_chat"] = "describe_chat"


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
    """A row for each text, then one for each list of tokens, four bytes each -> rows."""

    call: int
    texts: tuple[str, ...]
    prompts: tuple[bytes, ...] = ()
    kind: Literal["embed"] = "embed"


@dataclass(frozen=True, slots=True)
class Leave:
    """Nobody waits for the answer of a call any more. `Embed` stops before its next input."""

    call: int
    kind: Literal["leave"] = "leave"


@dataclass(frozen=True, slots=True)
class Confine:
    """Takes everything away from the process that it does not need -> protections. Comes first."""

    call: int
    readable: tuple[str, ...] = ()
    """Files and folders."""
    writable: tuple[str, ...] = ()
    """Private folders, which are made if they are missing."""
    uses_devices: bool = False
    kind: Literal["confine"] = "confine"


@dataclass(frozen=True, slots=True)
class Open:
    """Loads a model, once per process -> info."""

    call: int
    config: EngineConfig
    kind: Literal["open"] = "open"


@dataclass(frozen=True, slots=True)
class Close:
    """Closes the engine and ends the process."""

    kind: Literal["close"] = "close"


@dataclass(frozen=True, slots=True)
class Ping:
    """Asks whether the process takes commands -> nothing."""

    call: int
    kind: Literal["ping"] = "ping"


@dataclass(frozen=True, slots=True)
class PlanMemory:
    """Asks how much memory a configuration needs -> plan. Needs no open engine."""

    call: int
    config: EngineConfig
    kind: Literal["plan_memory"] = "plan_memory"


@dataclass(frozen=True, slots=True)
class ListDevices:
    """Asks the drivers for the devices -> devices. Needs no open engine."""

    call: int
    kind: Literal["list_devices"] = "list_devices"


Command = Annotated[
    Submit | Grant | Cancel | Render | TokenizeChat | DescribeChat | Tokenize | Detokenize | Embed
    | Leave | Confine | Open | Close | Ping | PlanMemory | ListDevices,
    Field(discriminator="kind"),
]  # fmt: skip
"""A message to the engine. "-> field" names the field of the `Answer` that replies to it."""

# From the engine


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as a message; `as_error` turns it into an exception again."""

    code: str
    where: str
    what: str
    retry_ms: int = 0

    @classmethod
    def of(cls, error: SentiricLlamaError) -> Failure:
        return cls(error.code.value, error.where, error.what, error.retry_ms)

    def as_error(self) -> SentiricLlamaError:
        code = self.code if self.code in ERROR_CODES else "internal"
        error = make_error(code, self.where, self.what)
        error.retry_ms = self.retry_ms
        return error


@dataclass(frozen=True, slots=True)
class Loading:
    """How much of the model is loaded, 0..1, a few times a second until `Open` is answered."""

    part: float
    kind: Literal["loading"] = "loading"


@dataclass(frozen=True, slots=True)
class Step:
    """The items of one step. A stream ends with a delta that has `final`, or with a failure."""

    deltas: tuple[tuple[int, Delta], ...]
    failures: tuple[tuple[int, Failure], ...]
    kind: Literal["step"] = "step"


@dataclass(frozen=True, slots=True)
class Answer:
    """The reply to a call: the field that the command names is set, or `failure`."""

    call: int
    text: str | None = None
    tokens: bytes | None = None
    """Four bytes per token, little-endian."""
    begins: tuple[int, ...] | None = None
    """Where the messages begin in the text, in bytes; -1 for one that has no place there."""
    cached: int | None = None
    """How many of the tokens the prefix cache would give now."""
    pieces: tuple[bytes, ...] | None = None
    rows: tuple[int, bytes] | None = None
    """Width, and float32 values row by row."""
    protections: tuple[tuple[str, bool, str], ...] | None = None
    """Name, whether it holds, and a line that says so."""
    info: ModelInfo | None = None
    plan: MemoryPlan | None = None
    devices: tuple[Device, ...] | None = None
    failure: Failure | None = None
    kind: Literal["answer"] = "answer"


EngineMessage = Annotated[Loading | Step | Answer, Field(discriminator="kind")]
"""A message from the engine."""

_AS_JSON: dict[str, Any] = {"bytes_mode": "base64", "inf_nan_mode": "constants"}
_FROM_JSON = ConfigDict(val_json_bytes="base64")
_ENGINE_MESSAGES: TypeAdapter[Any] = TypeAdapter(EngineMessage, config=_FROM_JSON)


@functools.cache
def _commands() -> TypeAdapter[Any]:
    return TypeAdapter(Command, config=_FROM_JSON)  # late: a service only writes them


def encode_command(command: Any) -> bytes:
    """A `Command` as JSON."""
    return to_json(command, **_AS_JSON)


def decode_command(data: bytes) -> Any:
    """A `Command` from JSON. Raises ValueError for anything else."""
    return _commands().validate_json(data)


def encode_message(message: Any) -> bytes:
    """An `EngineMessage` as JSON."""
    return to_json(message, **_AS_JSON)


def decode_message(data: bytes) -> Any:
    """An `EngineMessage` from JSON. Raises ValueError for anything else."""
    return _ENGINE_MESSAGES.validate_json(data)
