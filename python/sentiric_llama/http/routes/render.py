# SPDX-License-Identifier: AGPL-3.0-only
"""Shows the prompt of a conversation that another route would answer."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.http.routes.chat import ParseChat
from sentiric_llama.http.routes.count import read_call
from sentiric_llama.http.stepped_json import SteppedJson
from sentiric_llama.service.prompt.caller_names import CallerNames
from sentiric_llama.service.service import LlamaService, RenderedCall


class RenderEndpoint:
    """Takes the body of a chat route and generates nothing."""

    def __init__(self, service: LlamaService, parse: ParseChat) -> None:
        self._service = service
        self._parse = parse

    async def post(self, request: Request) -> SteppedJson:
        """The text of the prompt, its tokens, where its messages begin, what is cached."""
        parsed = await read_call(self._service, self._parse, request)
        try:
            found = await self._service.render(parsed.call)
        except SentiricLlamaError as error:
            raise parsed.blame(error) from None
        return SteppedJson(_body(found, parsed.names), dict(parsed.headers))


def _body(found: RenderedCall, names: CallerNames) -> dict[str, Any]:
    shown = found.rendering
    begins = zip(found.request.messages, shown.message_begins, strict=True)
    return {
        "object": "rendered_prompt",
        "model": found.model,
        "prompt": shown.text,
        "tokens": list(shown.tokens),
        "input_tokens": len(shown.tokens),
        "cached_tokens": shown.cached_tokens,
        "context_size": found.context_size,
        "messages": [{"role": message.role, "begins": begin} for message, begin in begins],
        "changes": [
            {"rule": change.rule, "where": names.place(change.where), "text": change.text}
            for change in found.changes
        ],
    }
