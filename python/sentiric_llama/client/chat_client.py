# SPDX-License-Identifier: AGPL-3.0-only
"""Chat clients: of a server, and of a model in this process. Both yield `Delta`s."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, cast, get_args

from sentiric_llama.client.server import Server, error_of
from sentiric_llama.errors import InternalError, Unavailable
from sentiric_llama.types import (
    Final,
    FinishReason,
    SamplingParams,
    Timings,
    TruncationReport,
    Usage,
)
from sentiric_llama.types.chat import ChatDelta, ToolCallDelta
from sentiric_llama.types.result import Ending

if TYPE_CHECKING:
    from sentiric_llama.engine.blocking import Engine

Turns = Sequence[Mapping[str, str]]
_ENDINGS = (*get_args(FinishReason), "tool_calls")
CHOICES = ("none", "auto", "required")
"""Words of `tool_choice` that are no name of a tool."""


@dataclass(frozen=True, slots=True)
class GenerationOptions:
    """The user's options; None leaves a value to the server or the library."""

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    json_schema: Mapping[str, Any] | None = None
    is_json: bool = False
    grammar: str = ""
    regex: str = ""
    choices: tuple[str, ...] = ()
    ignore_eos: bool = False
    tools: tuple[Mapping[str, Any], ...] = ()
    """As in the OpenAI API."""
    tool_choice: str = ""
    """"none", "auto", "required", the name of a tool, or "" for the default."""
    reasoning: str = ""
    """How much to think, or "" for the default."""


class ChatClient(Protocol):
    """Answers conversations. Closing `answer` at any time stops the work."""

    @property
    def name(self) -> str: ...
    def answer(self, turns: Turns, options: GenerationOptions) -> Iterator[ChatDelta]: ...
    def close(self) -> None: ...


class RemoteChatClient:
    """A running server."""

    def __init__(self, server: Server, model: str = "default") -> None:
        self._server = server
        self._model = model

    @property
    def name(self) -> str:
        answer = self._server.get("/v1/models")
        if answer.status == 503:
            raise Unavailable("the model is still loading; wait with: sentiric-llama wait")
        if answer.status != 200:
            raise error_of(answer, "/v1/models")
        return str(answer.body["data"][0]["id"])

    def answer(self, turns: Turns, options: GenerationOptions) -> Iterator[ChatDelta]:
        body = {"model": self._model, "messages": list(turns), **_fields(options)}
        body |= {"stream": True, "stream_options": {"include_usage": True}}
        reason: Ending = "stop"
        unfinished = False
        with closing(cast(Any, self._server.events("/v1/chat/completions", body))) as events:
            for event in events:
                for choice in event.get("choices") or []:
                    if (said := _said(choice["delta"])) is not None:
                        yield said
                    if choice.get("finish_reason") in _ENDINGS:
                        reason = choice["finish_reason"]
                        unfinished = bool(choice.get("unfinished"))
                if event.get("usage"):
                    final = replace(_final(event, reason), unfinished=unfinished)
                    yield ChatDelta(final=final, truncation=_context(event), finish_reason=reason)
                    return
        raise InternalError("the stream ended without its usage", where="server")

    def close(self) -> None:
        """Nothing stays open between answers."""


class LocalChatClient:
    """A model in this process."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine = engine
        self.name = name

    def answer(self, turns: Turns, options: GenerationOptions) -> Iterator[ChatDelta]:
        given = {
            "temperature": options.temperature,
            "top_p": options.top_p,
            "top_k": options.top_k,
            "seed": options.seed,
        }
        sampling = SamplingParams(**{k: v for k, v in given.items() if v is not None})  # type: ignore[arg-type]
        with self._engine.stream_chat(turns, sampling, **_options(options)) as stream:
            yield from stream

    def close(self) -> None:
        self._engine.close()


def _fields(options: GenerationOptions) -> dict[str, Any]:
    """As fields of an OpenAI request."""
    names = ("max_tokens", "temperature", "top_p", "top_k", "seed")
    fields = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    if options.stop:
        fields["stop"] = list(options.stop)
    if options.json_schema is not None:
        schema = {"name": "answer", "schema": dict(options.json_schema), "strict": True}
        fields["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif options.is_json:
        fields["response_format"] = {"type": "json_object"}
    if options.grammar:
        fields["grammar"] = options.grammar
    if options.regex:
        fields["guided_regex"] = options.regex
    if options.choices:
        fields["guided_choice"] = list(options.choices)
    if options.ignore_eos:
        fields["ignore_eos"] = True
    if options.reasoning:
        fields["reasoning_effort"] = options.reasoning
    if options.tools:
        fields["tools"] = list(options.tools)
    if options.tool_choice:
        function = {"type": "function", "function": {"name": options.tool_choice}}
        fields["tool_choice"] = options.tool_choice if options.tool_choice in CHOICES else function
    return fields


def _options(options: GenerationOptions) -> Any:
    """As options of the library."""
    from sentiric_llama.types import Grammar

    fields: dict[str, Any] = {"stop": list(options.stop), "ignore_eos": options.ignore_eos}
    if options.max_tokens is not None:
        fields["max_tokens"] = options.max_tokens
    if options.tools:
        fields["tools"] = options.tools
    for name in ("tool_choice", "reasoning"):
        if given := getattr(options, name):
            fields[name] = given
    if options.json_schema is not None:
        fields["json_schema"] = options.json_schema
    elif options.regex:
        fields["regex"] = options.regex
    elif options.choices:
        fields["choice"] = options.choices
    elif options.grammar or options.is_json:
        kind = "gbnf" if options.grammar else "json_object"
        fields["grammar"] = Grammar(kind, options.grammar)  # type: ignore[arg-type]  # its words
    return fields


def _said(delta: Mapping[str, Any]) -> ChatDelta | None:
    """What a chunk says; None if it says nothing."""
    text, thought = delta.get("content") or "", delta.get("reasoning_content") or ""
    calls = tuple(_call(part) for part in delta.get("tool_calls") or ())
    if not (text or thought or calls):
        return None
    return ChatDelta(text, content=text, reasoning_content=thought, tool_calls=calls)


def _call(part: Mapping[str, Any]) -> ToolCallDelta:
    function = part.get("function") or {}
    return ToolCallDelta(
        part["index"],
        part.get("id") or "",
        function.get("name") or "",
        function.get("arguments") or "",
    )


def engine_reason(ending: Ending) -> FinishReason:
    """Why the engine ended: a call is a text to it, which has stopped."""
    return "stop" if ending == "tool_calls" else ending


def _final(event: Mapping[str, Any], ending: Ending) -> Final:
    usage, timings = event["usage"], event.get("timings") or {}
    details = usage.get("prompt_tokens_details") or {}
    known = {name: timings[name] for name in Timings.__slots__ if name in timings}
    counts = Usage(
        usage["prompt_tokens"], usage["completion_tokens"], details.get("cached_tokens", 0)
    )
    return Final(engine_reason(ending), counts, Timings(**known))


def _context(event: Mapping[str, Any]) -> TruncationReport:
    told = event.get("truncation") or {}
    return TruncationReport(**{n: told[n] for n in TruncationReport.__slots__ if n in told})
