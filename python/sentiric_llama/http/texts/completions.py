# SPDX-License-Identifier: AGPL-3.0-only
"""Answers of `/v1/completions`, OpenAI's older format, as they are written."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from starlette.responses import Response

from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.host.product import version
from sentiric_llama.http import sse
from sentiric_llama.http.errors import error_body
from sentiric_llama.http.routes.chat import ChatAnswer, StreamWriter, answer_headers
from sentiric_llama.http.shapes import remarks, timings_json, truncation_json, usage_json
from sentiric_llama.http.stepped_json import SteppedJson
from sentiric_llama.http.texts.completions_body import CompletionsRequest
from sentiric_llama.http.texts.completions_logprobs import LogprobWriter
from sentiric_llama.service.chat_result import collect
from sentiric_llama.service.chat_stream import ChatStream, ChoiceDelta
from sentiric_llama.types import Completion, Delta
from sentiric_llama.types.result import Ending


class _Texts:
    """Writes the choices of one call."""

    def __init__(self, stream: ChatStream, request: CompletionsRequest, prompts: list[str]) -> None:
        self._stream = stream
        self._request = request
        self._prompts = prompts
        texts = map(self.prompt_of, range(stream.num_choices))
        self._logprobs = [LogprobWriter(text) for text in texts]
        self._base: dict[str, Any] = {
            "id": f"cmpl-{stream.answer_id}",
            "object": "text_completion",
            "created": int(time.time()),
            "model": stream.model,
            "system_fingerprint": f"sentiric-llama-{version()}",
        }

    def prompt_of(self, choice: int) -> str:
        """What the text of a choice begins with."""
        return self._prompts[choice // self._request.call.n] if self._prompts else ""

    def choice(
        self,
        index: int,
        text: str,
        said: Delta | Completion,
        ending: Ending | None,
        *,
        unfinished: bool = False,
    ) -> dict[str, Any]:
        """A choice, or what a delta adds to one."""
        asked, logprobs = self._request.logprobs, self._logprobs[index]
        found: dict[str, Any] = {
            "index": index,
            "text": text,
            "logprobs": logprobs.body(said.prompt_logprobs, said.logprobs) if asked else None,
            "finish_reason": ending,
        }
        found |= remarks(unfinished, ())
        return found | ({"tokens": list(said.tokens)} if self._request.return_tokens else {})

    def body(self, choices: Iterable[dict[str, Any]]) -> dict[str, Any]:
        """An answer, or an event, with these choices."""
        return self._base | {"choices": choices}

    def totals(self) -> dict[str, Any]:
        """What is known at the end."""
        stream = self._stream
        found = {
            "timings": timings_json(stream.timings),
            "truncation": truncation_json(stream.truncation),
        }
        return found | ({"notice": stream.notice} if stream.notice else {})


async def echoed_texts(stream: ChatStream, request: CompletionsRequest) -> list[str]:
    """The prompts as texts."""
    return [
        prompt if isinstance(prompt, str) else await stream.text_of(prompt)
        for prompt in request.echoed
    ]


class CompletionsAnswer(ChatAnswer):
    """Texts that are generated while they are being sent."""

    request: CompletionsRequest

    async def prepare(self, stream: ChatStream) -> None:
        self._prompts = await echoed_texts(stream, self.request)

    def writer(self, stream: ChatStream, sender: sse.Sender) -> StreamWriter:
        return TextWriter(stream, sender, self.request, self._prompts)

    async def whole(self, stream: ChatStream) -> Response:
        texts = _Texts(stream, self.request, self._prompts)
        result = await collect(stream)
        choices = (
            texts.choice(
                index,
                texts.prompt_of(index) + choice.text,
                choice.completion,
                choice.ending,
                unfinished=choice.completion.unfinished,
            )
            for index, choice in enumerate(result.choices)
        )
        body = texts.body(choices) | {"usage": usage_json(result.usage)} | texts.totals()
        return SteppedJson(body, answer_headers(stream, self.request))


class TextWriter(StreamWriter):
    """Events with what each step adds."""

    def __init__(
        self,
        stream: ChatStream,
        sender: sse.Sender,
        request: CompletionsRequest,
        prompts: list[str],
    ) -> None:
        super().__init__(stream, sender, request)
        self._asked = request
        self._texts = _Texts(stream, request, prompts)

    def opening(self, items: list[ChoiceDelta]) -> bytes:
        prompts = [self._texts.prompt_of(index) for index in range(self.stream.num_choices)]
        choices = [
            self._texts.choice(index, prompt, Delta(), None)
            for index, prompt in enumerate(prompts)
            if prompt
        ]
        return sse.encode_events(self._texts.body([choice]) for choice in choices)

    def encode(self, items: list[ChoiceDelta]) -> bytes:
        events = [self._texts.body([self._choice(item)]) for item in items]
        if not self.stream.done:
            return sse.encode_events(events)
        totals = self._texts.totals()
        if self._asked.include_usage:
            usage = {"usage": usage_json(self.stream.usage)}
            events.append(self._texts.body([]) | usage | totals)
        else:
            events[-1] |= totals
        return sse.encode_events(events) + sse.DONE

    def _choice(self, item: ChoiceDelta) -> dict[str, Any]:
        text = "".join(piece.text for piece in item.pieces)
        final = item.delta.final
        return self._texts.choice(
            item.index,
            text,
            item.delta,
            item.ending,
            unfinished=bool(final and final.unfinished),
        )

    def failed(self, error: SentiricLlamaError) -> bytes:
        return sse.encode_event(error_body(error))
