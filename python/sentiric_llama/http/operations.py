# SPDX-License-Identifier: AGPL-3.0-only
"""What the OpenAPI document says of each operation: a summary, its body and its answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel

from sentiric_llama.http.schemas import chat_answer as chat
from sentiric_llama.http.schemas import service_answer as service
from sentiric_llama.http.schemas.admin import HardwareBody, SwitchBody
from sentiric_llama.http.schemas.body import Body
from sentiric_llama.http.schemas.chat import ChatBody
from sentiric_llama.http.schemas.stats_answer import Stats
from sentiric_llama.http.schemas.tokens import DetokenizeBody, TokenizeBody

Models = tuple[type[BaseModel], ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. Several models are alternatives."""

    summary: str
    answer: Models = ()
    """JSON with status 200."""
    body: type[Body] | None = None
    events: Models = ()
    """The data of server-sent events with status 200."""
    failures: Mapping[int, Models] = field(default_factory=dict)
    """Statuses with JSON of their own; the others have `Error`."""
    media_type: str = ""
    """Of an answer that is not JSON."""


_CHAT = Operation(
    "Answer a conversation, whole or as a stream",
    (chat.Completion,),
    ChatBody,
    events=(chat.CompletionChunk,),
)
_SWITCH_EVENTS = (service.SwitchProgress, service.Switched, service.SwitchFailed)

OPERATIONS: dict[tuple[str, str], Operation] = {
    ("POST", "/v1/chat/completions"): _CHAT,
    ("POST", "/chat/completions"): _CHAT,
    ("GET", "/v1/models"): Operation("List the loaded models", (service.Models,)),
    ("GET", "/v1/models/{name}"): Operation("Describe one loaded model", (service.Model,)),
    ("POST", "/v1/models/switch"): Operation(
        "Load the model of a profile",
        (service.Switched,),
        SwitchBody,
        events=_SWITCH_EVENTS,
        failures={500: (service.SwitchFailed,)},
    ),
    ("POST", "/tokenize"): Operation("Convert text to token ids", (chat.Tokens,), TokenizeBody),
    ("POST", "/detokenize"): Operation("Convert token ids to text", (chat.Text,), DetokenizeBody),
    ("GET", "/health"): Operation(
        "State and capacity of the service",
        (service.Health,),
        failures={503: (service.Health,)},
    ),
    ("GET", "/v1/health"): Operation(
        "Readiness in llama-server's format",
        (service.Ok,),
        failures={503: (service.NotOk,)},
    ),
    ("GET", "/health/live"): Operation("Check that the process responds", (service.Alive,)),
    ("GET", "/health/ready"): Operation(
        "Check that requests are accepted",
        (service.Ready,),
        failures={503: (service.Ready,)},
    ),
    ("GET", "/v1/stats"): Operation("Statistics of the service", (Stats,)),
    ("GET", "/v1/stats/stream"): Operation("Statistics, every second", events=(Stats,)),
    ("GET", "/v1/profiles"): Operation("List the profiles", (service.ProfileList,)),
    ("GET", "/v1/hardware/config"): Operation(
        "Settings that the model runs with", (service.Hardware,)
    ),
    ("POST", "/v1/hardware/config"): Operation(
        "Load the model again with other settings",
        (service.Reloaded,),
        HardwareBody,
        failures={500: (service.SwitchFailed,)},
    ),
    ("GET", "/openapi.json"): Operation("This document", media_type="application/json"),
    ("GET", "/"): Operation("The page with status and a chat box", media_type="text/html"),
}
