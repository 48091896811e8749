# SPDX-License-Identifier: AGPL-3.0-only
"""POST /v1/embeddings, in OpenAI's format."""

from __future__ import annotations

import base64
import logging
from functools import partial
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sentiric_llama.host.off_loop import off_loop
from sentiric_llama.http import sse
from sentiric_llama.http.json_body import read_as
from sentiric_llama.http.schemas.answer import Answer
from sentiric_llama.http.schemas.body import Body, CheckedBy, InRange
from sentiric_llama.http.stepped_json import SteppedJson
from sentiric_llama.http.texts.inputs import Input, parse_inputs, schema_of
from sentiric_llama.log.events import event
from sentiric_llama.service.prompt.embed_call import MAX_INPUTS, MAX_TOKENS, EmbedCall, Embeddings
from sentiric_llama.service.service import LlamaService
from sentiric_llama.types.ranges import INT32_MAX, NumberRange

logger = logging.getLogger(__name__)

_DIMENSIONS = NumberRange("dimensions", 1, INT32_MAX, integer=True)
MAX_ITEMS = MAX_TOKENS + 4096


class EmbeddingsBody(Body):
    """Texts or token ids to embed.

    `dimensions` keeps the first of each vector, scaled to length 1 again: useful for models that
    were trained for it.
    """

    model_config = ConfigDict(
        json_schema_extra={"required": ["input"], "examples": [{"input": ["Merhaba!", "Hello!"]}]}
    )
    without_effect: ClassVar = frozenset({"user"})

    input: Annotated[list[Input], CheckedBy(parse_inputs, schema_of(MAX_INPUTS))]
    model: str | None = None
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: Annotated[int | None, InRange(_DIMENSIONS)] = None


class EmbeddingAnswer(Answer):
    """A vector: numbers, or base64 of little-endian float32."""

    object: Literal["embedding"]
    index: int
    embedding: list[float] | str


class EmbeddingUsage(Answer):
    """Tokens of all inputs."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingsAnswer(Answer):
    """One vector for each input, in order."""

    object: Literal["list"]
    data: list[EmbeddingAnswer]
    model: str
    usage: EmbeddingUsage


class EmbeddingsEndpoint:
    """Embeds texts."""

    def __init__(self, service: LlamaService) -> None:
        self._service = service

    async def post(self, request: Request) -> Response:
        """One vector for each input."""
        with self._service.request_metrics.reading("embeddings"):
            self._service.ready()
            strict = self._service.settings.strict_fields
            read = partial(EmbeddingsBody.read, strict=strict)
            body, headers = await read_as(request, read, MAX_ITEMS)
        return _Embedding(self._service, body, headers)


class _Embedding(Response):
    """Embeds while the client waits. For one that has left, the work ends behind the current input,
    and the call with it: until then it counts as running.
    """

    def __init__(
        self, service: LlamaService, body: EmbeddingsBody, headers: dict[str, str]
    ) -> None:
        self.background = None
        self._service = service
        self._asked = body
        self._extra = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sender = sse.Sender(send)
        try:
            await sse.until_disconnect(receive, sender, self._respond(scope, receive, sender))
        except sse.ClientGone as gone:
            event(logger, "HTTP_CLIENT_GONE", str(gone))

    async def _respond(self, scope: Scope, receive: Receive, sender: sse.Sender) -> None:
        asked = self._asked
        call = EmbedCall(asked.input, asked.model, dimensions=asked.dimensions)
        found = await self._service.embed_prompts(call)
        answer = SteppedJson(await off_loop(_answer, asked, found), self._extra)
        await sender.respond(answer, scope, receive)


def _answer(body: EmbeddingsBody, found: Embeddings) -> dict[str, Any]:
    import numpy as np

    rows = found.rows
    if body.dimensions is not None:
        rows = rows[:, : body.dimensions]
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        rows = np.divide(rows, np.where(lengths > 0, lengths, 1), dtype=np.float32)
    is_text = body.encoding_format == "base64"
    vectors = (
        base64.b64encode(row.astype("<f4").tobytes()).decode() if is_text else row.tolist()
        for row in rows
    )
    return {
        "object": "list",
        "data": (
            {"object": "embedding", "index": index, "embedding": vector}
            for index, vector in enumerate(vectors)
        ),
        "model": found.model,
        "usage": {"prompt_tokens": found.num_tokens, "total_tokens": found.num_tokens},
    }
