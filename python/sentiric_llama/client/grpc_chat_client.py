# SPDX-License-Identifier: AGPL-3.0-only
"""A chat client over gRPC."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any, cast

from sentiric_llama.client.chat_client import GenerationOptions, Turns, engine_reason
from sentiric_llama.client.grpc_server import GrpcServer
from sentiric_llama.errors import InternalError, Unavailable
from sentiric_llama.rpc.generated import engine_pb2
from sentiric_llama.types import Final, Timings, TruncationReport, Usage
from sentiric_llama.types.chat import ChatDelta, ToolCallDelta
from sentiric_llama.types.result import Ending


class GrpcChatClient:
    """A running server, by our own gRPC service, which has every option."""

    def __init__(self, server: GrpcServer) -> None:
        self._server = server

    @property
    def name(self) -> str:
        capacity = self._server.capacity()
        if not capacity.model:
            raise Unavailable("the model is still loading; wait with: sentiric-llama wait")
        return str(capacity.model)

    def answer(self, turns: Turns, options: GenerationOptions) -> Iterator[ChatDelta]:
        reason, unfinished = "stop", False
        request = request_of(turns, options)
        with closing(cast(Any, self._server.chat(request))) as events:
            for event in events:
                if event.HasField("end"):
                    yield _last(event.end, cast(Ending, reason), unfinished=unfinished)
                    return
                reason = event.delta.finish_reason or reason
                unfinished = unfinished or event.delta.unfinished
                if event.delta.text or event.delta.reasoning or event.delta.calls:
                    yield _said(event.delta)
        raise InternalError("the stream ended without its usage", where="server")

    def close(self) -> None:
        """Nothing stays open between answers."""


def request_of(turns: Turns, options: GenerationOptions) -> engine_pb2.ChatRequest:
    """What is None is left to the server."""
    request = engine_pb2.ChatRequest(
        messages=[
            engine_pb2.ChatMessage(role=turn["role"], content=turn["content"]) for turn in turns
        ],
        max_tokens=options.max_tokens,
        stop=options.stop,
        ignore_eos=options.ignore_eos,
        sampling=engine_pb2.Sampling(
            temperature=options.temperature,
            top_p=options.top_p,
            top_k=options.top_k,
            seed=options.seed,
        ),
    )
    if options.json_schema is not None:
        request.json_schema = json.dumps(options.json_schema)
    elif options.is_json:
        request.json_object = True
    elif options.grammar:
        request.gbnf = options.grammar
    elif options.regex:
        request.regex = options.regex
    elif options.choices:
        request.choices.texts.extend(options.choices)
    if options.tool_choice:
        request.tool_choice = options.tool_choice
    if options.reasoning:
        request.reasoning_effort = options.reasoning
    request.tools.extend(map(_tool, options.tools))
    return request


def _tool(tool: Mapping[str, Any]) -> engine_pb2.Tool:
    function = tool["function"]
    schema = function.get("parameters")
    return engine_pb2.Tool(
        name=function["name"],
        description=function.get("description") or "",
        parameters="" if schema is None else json.dumps(schema),
        strict=function.get("strict") is True,
    )


def _said(delta: engine_pb2.ChatDelta) -> ChatDelta:
    calls = [ToolCallDelta(c.index, c.id, c.name, c.arguments) for c in delta.calls]
    return ChatDelta(
        delta.text,
        content=delta.text,
        reasoning_content=delta.reasoning,
        tool_calls=tuple(calls),
    )


def _last(end: engine_pb2.ChatEnd, ending: Ending, *, unfinished: bool) -> ChatDelta:
    usage = Usage(end.usage.prompt_tokens, end.usage.completion_tokens, end.usage.cached_tokens)
    timings = Timings(**_fields(end.timings))
    return ChatDelta(
        finish_reason=ending,
        final=Final(engine_reason(ending), usage, timings, unfinished=unfinished),
        truncation=TruncationReport(**_fields(end.context)),
    )


def _fields(message: Any) -> dict[str, Any]:
    """Every field of a flat message."""
    return {field.name: getattr(message, field.name) for field in message.DESCRIPTOR.fields}
