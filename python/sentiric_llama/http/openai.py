# SPDX-License-Identifier: AGPL-3.0-only
"""From the body of `/v1/chat/completions` to the request that all protocols make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sentiric_llama.errors import InvalidArgument, SentiricLlamaError
from sentiric_llama.http.schemas.chat import ChatBody
from sentiric_llama.service.chat_call import ChatCall


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A chat call and how its answer is to be written."""

    call: ChatCall
    stream: bool = False
    include_usage: bool = False
    logprobs: bool = False
    grammar_field: str = ""
    """Where the caller wrote `call.grammar`."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """What the answer says of the request: fields without effect."""

    def blame(self, error: SentiricLlamaError) -> SentiricLlamaError:
        """The error; one about a schema names the field that this caller used."""
        kind, _, position = error.where.partition(":")
        if kind not in ("grammar", "json_schema") or not self.grammar_field:
            return error
        where = ":".join(filter(None, (self.grammar_field, position)))
        return type(error)(error.what, where=where)


def parse_chat(values: dict[str, Any], *, strict: bool = False) -> ChatRequest:
    """A validated request. Raises InvalidArgument with the field in `where`.

    Unknown fields are ignored and named in the answer's headers, or refused when `strict`.
    """
    if strict and (unknown := ChatBody.unknown(values)):
        raise InvalidArgument(f"unknown field; got {unknown[0][:60]!r}", where="body")
    body = ChatBody.parse(values)
    return ChatRequest(
        call=body.call(),
        stream=body.stream,
        include_usage=body.stream_options.include_usage,
        logprobs=body.logprobs,
        grammar_field=body.wanted()[0],
        headers=ChatBody.ignored_header(values),
    )
