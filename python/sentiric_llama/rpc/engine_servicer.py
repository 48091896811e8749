# SPDX-License-Identifier: AGPL-3.0-only
"""sentiric.llama.v1.EngineService: what the older LlamaService cannot express."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import AsyncIterator, Mapping, Sequence

from sentiric_llama.access.rights import Access
from sentiric_llama.errors import ContextLengthExceeded, InvalidArgument
from sentiric_llama.host.off_loop import maybe_off_loop
from sentiric_llama.log.events import event
from sentiric_llama.rpc.chat.answer import ChatAnswer, end_of
from sentiric_llama.rpc.generated import engine_pb2
from sentiric_llama.rpc.handlers import needs
from sentiric_llama.rpc.llama_servicer import deadline_ms, logging_end, report
from sentiric_llama.rpc.parse import parse_chat, parsed
from sentiric_llama.rpc.status import Context
from sentiric_llama.service.prompt.caller_names import CallerNames
from sentiric_llama.service.service import LlamaService
from sentiric_llama.service.tokens import MAX_TOKENS_LISTED
from sentiric_llama.types.ranges import out_of_range

SERVICE = engine_pb2.DESCRIPTOR.services_by_name["EngineService"]

NAMES = CallerNames(
    {
        "stop_token_ids": "stop_tokens",
        **dict.fromkeys(("allowed_token_ids", "allowed_tokens"), "sampling.allowed_tokens"),
        "logit_bias": "sampling.logit_bias",
    },
    lambda index, rest: f"tools.{index}.{rest}",
    lambda index, rest: f"messages.{index}.{rest}",
)

logger = logging.getLogger(__name__)

LARGE_LIST = 4096


class EngineServicer:
    """The methods of the service, under their names in the protocol."""

    def __init__(self, service: LlamaService) -> None:
        self._service = service

    @needs(Access.USER)
    async def Chat(  # noqa: N802
        self, request: engine_pb2.ChatRequest, context: Context
    ) -> AsyncIterator[engine_pb2.ChatEvent]:
        """The deltas of all choices as they arrive, then one end."""
        with self._service.request_metrics.reading("chat"):
            self._service.ready()
            call = await parsed(request, parse_chat, deadline_ms(context))
        event(logger, "LLM_REQUEST_RECEIVED", "received", messages=len(call.messages))
        async with NAMES.blaming(call.grammar_field), self._service.open_chat(call) as stream:
            with logging_end(logger, stream):
                answer = ChatAnswer()
                while not stream.done:
                    for item in await stream.read():
                        yield engine_pb2.ChatEvent(delta=answer.delta_of(item))
            context.set_trailing_metadata(report(stream, ()))
            yield engine_pb2.ChatEvent(end=end_of(stream))

    @needs(Access.USER)
    async def Embed(  # noqa: N802
        self, request: engine_pb2.EmbedRequest, _context: Context
    ) -> engine_pb2.EmbedResponse:
        rows, model = await self._service.embed(list(request.texts))
        embeddings = [engine_pb2.Embedding(values=row.tolist()) for row in rows]
        return engine_pb2.EmbedResponse(embeddings=embeddings, model=model)

    @needs(Access.USER)
    async def Tokenize(  # noqa: N802
        self, request: engine_pb2.TokenizeRequest, _context: Context
    ) -> engine_pb2.TokenizeResponse:
        tokens, pieces = await self._service.tokenize_to_pieces(
            request.text,
            add_special=request.add_special,
            parse_special=not request.no_parse_special,
        )
        if len(tokens) > MAX_TOKENS_LISTED:
            raise ContextLengthExceeded(
                f"too many tokens for one answer; got {len(tokens)}, allowed {MAX_TOKENS_LISTED}",
                where="text",
            )
        return await maybe_off_loop(len(tokens) > LARGE_LIST, _tokens_answer, tokens, pieces)

    @needs(Access.USER)
    async def Detokenize(  # noqa: N802
        self, request: engine_pb2.DetokenizeRequest, _context: Context
    ) -> engine_pb2.DetokenizeResponse:
        if len(request.tokens) > MAX_TOKENS_LISTED:
            raise out_of_range("tokens", request.tokens, f"at most {MAX_TOKENS_LISTED} ids")
        text = await self._service.detokenize(list(request.tokens))
        return engine_pb2.DetokenizeResponse(text=text)

    @needs(Access.USER)
    async def GetCapacity(  # noqa: N802
        self, _request: engine_pb2.GetCapacityRequest, _context: Context
    ) -> engine_pb2.GetCapacityResponse:
        service = self._service
        found = dataclasses.asdict(service.capacity)
        if service.is_ready:
            info = service.engine.info
            found |= {"model": service.model.name, "context_size": info.context_size}
        return engine_pb2.GetCapacityResponse(state=service.state.value, **found)

    @needs(Access.USER)
    async def Cancel(  # noqa: N802
        self, request: engine_pb2.CancelRequest, _context: Context
    ) -> engine_pb2.CancelResponse:
        if not request.request_id:
            raise InvalidArgument("must not be empty", where="request_id")
        ended = len(self._service.running.cancel(request.request_id))
        event(logger, "LLM_REQUEST_CANCELLED", "by request id", calls=ended)
        return engine_pb2.CancelResponse(cancelled=ended)


def _tokens_answer(
    tokens: Sequence[int], pieces: Mapping[int, bytes]
) -> engine_pb2.TokenizeResponse:
    listed = [pieces[token] for token in tokens]
    return engine_pb2.TokenizeResponse(tokens=tokens, pieces=listed)
