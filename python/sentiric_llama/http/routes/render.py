# SPDX-License-Identifier: AGPL-3.0-only
"""Shows the prompt of a conversation that another route would answer."""

from __future__ import annotations

from functools import partial
from typing import Any

from starlette.requests import Request

from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.host.off_loop import maybe_off_loop
from sentiric_llama.http.errors import JsonResponse
from sentiric_llama.http.json_body import read_as
from sentiric_llama.http.routes.chat import ParseChat
from sentiric_llama.service.service import LlamaService, RenderedCall

_MANY_TOKENS = 4096


class RenderEndpoint:
    """Takes the body of a chat route and generates nothing."""

    def __init__(self, service: LlamaService, parse: ParseChat) -> None:
        self._service = service
        self._parse = parse

    async def post(self, request: Request) -> JsonResponse:
        """The text of the prompt, its tokens, where its messages begin, what is cached."""
        with self._service.request_metrics.reading("tokenize"):
            self._service.ready()
            strict = self._service.settings.strict_fields
            parsed = await read_as(request, partial(self._parse, strict=strict))
        try:
            found = await self._service.render(parsed.call)
        except SentiricLlamaError as error:
            raise parsed.blame(error) from None
        is_large = len(found.rendering.tokens) > _MANY_TOKENS
        return await maybe_off_loop(is_large, _response, found, dict(parsed.headers))


def _response(found: RenderedCall, headers: dict[str, str]) -> JsonResponse:
    shown = found.rendering
    begins = zip(found.request.messages, shown.message_begins, strict=True)
    body: dict[str, Any] = {
        "object": "rendered_prompt",
        "model": found.model,
        "prompt": shown.text,
        "tokens": list(shown.tokens),
        "input_tokens": len(shown.tokens),
        "cached_tokens": shown.cached_tokens,
        "context_size": found.context_size,
        "messages": [{"role": message.role, "begins": begin} for message, begin in begins],
        "changes": [
            {"rule": change.rule, "where": change.where, "text": change.text}
            for change in found.changes
        ],
    }
    return JsonResponse(body, headers=headers)
