# SPDX-License-Identifier: AGPL-3.0-only
"""Counts the tokens of a conversation that another route would answer."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request

from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.http.errors import JsonResponse
from sentiric_llama.http.json_body import read_as
from sentiric_llama.http.openai import ChatRequest
from sentiric_llama.http.routes.chat import ParseChat
from sentiric_llama.service.service import LlamaService


async def read_call(service: LlamaService, parse: ParseChat, request: Request) -> ChatRequest:
    """The call in a body of a chat route, for routes that only look at its prompt."""
    with service.request_metrics.reading("tokenize"):
        service.ready()
        return await read_as(request, partial(parse, strict=service.settings.strict_fields))


class CountEndpoint:
    """Takes the body of a chat route and generates nothing."""

    def __init__(self, service: LlamaService, parse: ParseChat, **fixed: str) -> None:
        """`fixed` are further fields of every answer."""
        self._service = service
        self._parse = parse
        self._fixed = fixed

    async def post(self, request: Request) -> JsonResponse:
        """Tokens of the prompt."""
        parsed = await read_call(self._service, self._parse, request)
        try:
            count = await self._service.count_tokens(parsed.call)
        except SentiricLlamaError as error:
            raise parsed.blame(error) from None
        return JsonResponse(self._fixed | {"input_tokens": count}, headers=parsed.headers)
