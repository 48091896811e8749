# SPDX-License-Identifier: AGPL-3.0-only
"""What the OpenAPI document says of each operation: a summary, its body and its answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel

from sentiric_llama.http.anthropic import answer as messages
from sentiric_llama.http.anthropic.body import MessagesBody
from sentiric_llama.http.responses.answer_models import ResponseAnswer
from sentiric_llama.http.responses.body import ResponsesBody
from sentiric_llama.http.responses.event_models import EVENTS as RESPONSE_EVENTS
from sentiric_llama.http.schemas import chat_answer as chat
from sentiric_llama.http.schemas import service_answer as service
from sentiric_llama.http.schemas.admin import HardwareBody, SwitchBody
from sentiric_llama.http.schemas.answer import Error
from sentiric_llama.http.schemas.body import Body
from sentiric_llama.http.schemas.chat import ChatBody
from sentiric_llama.http.schemas.stats_answer import Stats
from sentiric_llama.http.schemas.tokens import DetokenizeBody, TokenizeBody
from sentiric_llama.http.texts.completions_answer import TextCompletion
from sentiric_llama.http.texts.completions_body import CompletionsBody
from sentiric_llama.http.texts.embeddings import EmbeddingsAnswer, EmbeddingsBody

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
    """Statuses with JSON of their own; the others have `error`."""
    error: type[BaseModel] = Error
    """JSON with any other status."""
    media_type: str = ""
    """Of an answer that is not JSON."""
    succeeds: bool = True
    """False for what is always refused, because clients of another contract may ask for it."""
    computes: bool = False
    """True if the model answers; the limits of keys count such requests."""
    may_miss: bool = False
    """True if what it shows need not be there, though its path names nothing."""


def _stored(summary: str) -> Operation:
    return Operation(f"{summary}: 404, as nothing is stored", failures={404: ()}, succeeds=False)


_CHAT = Operation(
    "Answer a conversation, whole or as a stream",
    (chat.Completion,),
    ChatBody,
    events=(chat.CompletionChunk,),
    computes=True,
)
_SWITCH_EVENTS = (service.SwitchProgress, service.Switched, service.SwitchFailed)

OPERATIONS: dict[tuple[str, str], Operation] = {
    ("POST", "/v1/chat/completions"): _CHAT,
    ("POST", "/chat/completions"): _CHAT,
    ("POST", "/v1/chat/completions/input_tokens"): Operation(
        "Count the tokens of a conversation", (chat.InputTokens,), ChatBody, computes=True
    ),
    ("POST", "/v1/chat/completions/render"): Operation(
        "Show the prompt of a conversation", (chat.RenderedPrompt,), ChatBody
    ),
    ("POST", "/v1/messages"): Operation(
        "Answer a conversation as Anthropic's API does",
        (messages.MessageAnswer,),
        MessagesBody,
        events=messages.EVENTS,
        error=messages.MessagesError,
        computes=True,
    ),
    ("POST", "/v1/messages/count_tokens"): Operation(
        "Count the tokens of such a conversation",
        (messages.TokenCount,),
        MessagesBody,
        error=messages.MessagesError,
        computes=True,
    ),
    ("GET", "/v1/models"): Operation("List the loaded models", (service.Models,)),
    ("GET", "/v1/models/{name}"): Operation("Describe one loaded model", (service.Model,)),
    ("POST", "/v1/models/switch"): Operation(
        "Load the model of a profile",
        (service.Switched,),
        SwitchBody,
        events=_SWITCH_EVENTS,
        failures={500: (service.SwitchFailed,)},
    ),
    ("POST", "/v1/responses"): Operation(
        "Answer in the format of OpenAI's Responses API",
        (ResponseAnswer,),
        ResponsesBody,
        events=RESPONSE_EVENTS,
        computes=True,
    ),
    ("POST", "/v1/messages/render"): Operation(
        "Show the prompt of such a conversation",
        (chat.RenderedPrompt,),
        MessagesBody,
        error=messages.MessagesError,
    ),
    ("POST", "/v1/responses/render"): Operation(
        "Show the prompt of such a request", (chat.RenderedPrompt,), ResponsesBody
    ),
    ("POST", "/v1/responses/input_tokens"): Operation(
        "Count the tokens of such a request", (chat.InputTokens,), ResponsesBody, computes=True
    ),
    ("GET", "/v1/responses/{id}"): _stored("Show a stored response"),
    ("DELETE", "/v1/responses/{id}"): _stored("Delete a stored response"),
    ("POST", "/v1/responses/{id}/cancel"): _stored("Cancel a response in the background"),
    ("GET", "/v1/responses/{id}/input_items"): _stored("List the input of a stored response"),
    ("POST", "/v1/completions"): Operation(
        "Complete text",
        (TextCompletion,),
        CompletionsBody,
        events=(TextCompletion,),
        computes=True,
    ),
    ("POST", "/v1/embeddings"): Operation(
        "Embed texts", (EmbeddingsAnswer,), EmbeddingsBody, computes=True
    ),
    ("POST", "/tokenize"): Operation(
        "Convert text to token ids", (chat.Tokens,), TokenizeBody, computes=True
    ),
    ("POST", "/detokenize"): Operation(
        "Convert token ids to text", (chat.Text,), DetokenizeBody, computes=True
    ),
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
    ("GET", "/v1/stats/stream"): Operation(
        "Statistics, every second", events=(Stats,), failures={429: ()}
    ),
    ("DELETE", "/v1/requests/{id}"): Operation(
        "Cancel a running or waiting request", (service.CancelledRequest,)
    ),
    ("GET", "/v1/ui/layout"): Operation("Widgets of a settings panel", (service.Layout,)),
    ("GET", "/context/{name}"): Operation(
        "Read a text file of EXAMPLES_DIR", media_type="text/plain"
    ),
    ("GET", "/v1/profiles"): Operation("List the profiles", (service.ProfileList,), may_miss=True),
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
    ("GET", "/docs"): Operation("This document as a page", media_type="text/html"),
    ("GET", "/"): Operation("The page with status and a chat box", media_type="text/html"),
}
