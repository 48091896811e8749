# SPDX-License-Identifier: AGPL-3.0-only
"""Translates the body of `/v1/chat/completions` into the protocol-neutral request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.http.schemas.chat import ChatBody
from sentiric_llama.service.chat_call import ChatCall
from sentiric_llama.service.prompt.caller_names import CallerNames


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A chat call, and how to write its answer."""

    call: ChatCall
    stream: bool = False
    include_usage: bool = False
    logprobs: bool = False
    return_tokens: bool = False
    custom: frozenset[str] = frozenset()
    """The tools whose calls are written as calls of custom tools."""
    unenforced: tuple[str, ...] = ()
    """The tools whose grammar is in a language that nothing here enforces."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers about the request for the response: the fields without effect."""
    names: CallerNames = field(default_factory=CallerNames)

    def blame(self, error: SentiricLlamaError) -> SentiricLlamaError:
        """The error with the field as the caller wrote it."""
        return self.names.blame(error, self.call.grammar_field)


def parse_chat(values: dict[str, Any], *, strict: bool = False) -> ChatRequest:
    """The validated request. Raises InvalidArgument with the field in `where`.

    Unknown fields are ignored and named in the response headers, or refused if `strict`.
    """
    body, headers = ChatBody.read(values, strict=strict)
    return ChatRequest(
        call=body.call(),
        stream=body.stream,
        include_usage=body.stream_options.include_usage,
        logprobs=body.logprobs,
        return_tokens=body.return_tokens,
        custom=frozenset(tool.name for tool in body.tools if tool.type == "custom"),
        unenforced=tuple(tool.name for tool in body.tools if not tool.is_enforced),
        headers=headers,
        names=body.caller_names(values),
    )
