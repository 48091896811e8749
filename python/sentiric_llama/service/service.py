# SPDX-License-Identifier: AGPL-3.0-only
"""The use cases of the service, the same for every protocol: chat, tokenize, embed."""

from __future__ import annotations

import contextlib
import logging
from array import array
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence

from sentiric_llama.access.caller import CURRENT_CALLER
from sentiric_llama.engine.convert import is_large
from sentiric_llama.engine.protocol import FloatArray
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.host.off_loop import maybe_off_loop
from sentiric_llama.log.events import event
from sentiric_llama.service import body_budget
from sentiric_llama.service.body_budget import BodyBudget
from sentiric_llama.service.chat_call import MAX_CONTENT_BYTES, ChatCall, build_requests
from sentiric_llama.service.chat_result import ChatResult, collect
from sentiric_llama.service.chat_stream import ChatStream, ChoiceDelta
from sentiric_llama.service.life import ServiceLife
from sentiric_llama.service.models.slot import LoadedModel
from sentiric_llama.service.models.switch import ModelSwitch
from sentiric_llama.service.queue_share import QueueShare
from sentiric_llama.service.running import RunningCalls
from sentiric_llama.service.tokens import (
    MAX_EMBED_TEXTS,
    MAX_TOKENS_LISTED,
    STEP,
    check_size,
    check_tokens,
    distinct,
    tokenize,
    too_much_text,
)
from sentiric_llama.settings.config import Settings
from sentiric_llama.telemetry.request_metrics import Call, Endpoint, RequestMetrics
from sentiric_llama.types import Device
from sentiric_llama.types.ranges import out_of_range

logger = logging.getLogger(__name__)


class LlamaService(ServiceLife):
    """Everything that callers can ask for. Belongs to one event loop."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.request_metrics = RequestMetrics()
        self.request_metrics.on_first_token.append(_log_first_token)
        self.devices: tuple[Device, ...] = ()
        """The devices as the drivers last reported them to `server.background`."""
        self.switch: ModelSwitch | None = None
        """The last model switch, which may still be running."""
        self.is_full = False
        """True if the queue was full at the last call of `require_room`."""
        self.running = RunningCalls()
        self._queue = QueueShare()
        self.bodies = BodyBudget(body_budget.WHOLE_BODIES * settings.max_body_bytes)
        """The request bodies of all protocols."""

    def require_room(self) -> None:
        """Raises NotReady or Overloaded. Lets protocols refuse a request before its body."""
        engine = self.ready().engine
        self.is_full = True
        engine.check_room()
        self.is_full = False

    def find_model(self, name: str) -> LoadedModel:
        """The loaded model with this name or alias. Raises NotReady or ModelNotFound."""
        self.ready()
        return self.models.find(name)

    @contextlib.asynccontextmanager
    async def open_chat(self, call: ChatCall) -> AsyncIterator[ChatStream]:
        """Starts all choices of a call; leaving the block stops those still running.

        Raises NotReady, ModelNotFound, InvalidArgument, ContextLengthExceeded, or the engine's
        error if it refuses a choice. The first read of the stream raises errors of the prompt.
        """
        with self._serving("chat", call.model or "") as (record, loaded):
            engine, model = loaded.engine, loaded.served
            self._check_tenant()
            requests = await maybe_off_loop(
                is_large(call.messages),
                build_requests,
                call,
                loaded.settings,
                engine.info.num_vocab,
            )
            record.is_stream = True
            caller, limit = CURRENT_CALLER.get(), loaded.settings.queue_limit
            with self._queue.hold(caller, len(requests), engine.capacity.total, limit):
                stream = ChatStream(engine, requests, model.notice, self.request_metrics, record)
                self._log_question(call, stream)
                try:
                    with self.running.entry(stream):
                        await stream.open()
                        yield stream
                finally:
                    await stream.aclose()
                    self._log_answer(stream)

    async def chat(self, call: ChatCall) -> ChatResult:
        """Generates a whole answer. Cancelling the task stops the generation."""
        async with self.open_chat(call) as stream:
            return await collect(stream)

    async def stream_chat(self, call: ChatCall) -> AsyncGenerator[ChoiceDelta, None]:
        """Generates an answer step by step. Closing the generator stops the generation."""
        async with self.open_chat(call) as stream:
            while not stream.done:
                for item in await stream.read():
                    yield item

    async def tokenize(
        self, text: str, *, add_special: bool = False, parse_special: bool = True
    ) -> array[int]:
        """Token ids of a text."""
        with self._serving("tokenize") as (_, loaded):
            return await tokenize(loaded.engine, text, add_special, parse_special)

    async def tokenize_to_pieces(
        self, text: str, *, add_special: bool = False, parse_special: bool = True
    ) -> tuple[array[int], dict[int, bytes]]:
        """Token ids of a text, and the bytes of each distinct id. Shows control tokens."""
        with self._serving("tokenize") as (_, loaded):
            tokens = await tokenize(loaded.engine, text, add_special, parse_special)
            known = list(await maybe_off_loop(len(tokens) > STEP, distinct, tokens))
            return tokens, dict(zip(known, await loaded.engine.token_bytes(known), strict=True))

    async def detokenize(self, tokens: Sequence[int]) -> str:
        """The text of token ids. Shows control tokens."""
        with self._serving("detokenize") as (_, loaded):
            if len(tokens) > MAX_TOKENS_LISTED:
                raise out_of_range("tokens", tokens, f"at most {MAX_TOKENS_LISTED} ids")
            num_vocab = loaded.engine.info.num_vocab
            await maybe_off_loop(len(tokens) > STEP, check_tokens, tokens, num_vocab)
            text = await loaded.engine.detokenize(tokens, show_special=True)
            if len(text) > MAX_CONTENT_BYTES:
                raise too_much_text("tokens")
            return text

    async def embed(self, texts: Sequence[str]) -> tuple[FloatArray, str]:
        """One pooled, L2-normalised row per text, and the name of the model.

        Raises NotSupported or InvalidArgument.
        """
        with self._serving("embeddings") as (_, loaded):
            self._check_tenant()
            if not 1 <= len(texts) <= MAX_EMBED_TEXTS:
                raise out_of_range("texts", len(texts), f"1..{MAX_EMBED_TEXTS} texts")
            check_size("texts", texts)
            return await loaded.engine.embed(texts), loaded.served.name

    @contextlib.contextmanager
    def _serving(self, endpoint: Endpoint, model: str = "") -> Iterator[tuple[Call, LoadedModel]]:
        """The record of one call and its model. Raises NotReady or ModelNotFound."""
        with self.request_metrics.open(endpoint) as record, self.in_use(model) as loaded:
            record.model = loaded.served.name
            yield record, loaded

    def _check_tenant(self) -> None:
        if self.settings.require_tenant and not CURRENT_CALLER.get().label:
            event(logger, "MISSING_TENANT_ID", "refused", logging.WARNING)
            raise InvalidArgument("tenant_id header is strictly required")

    def _log_question(self, call: ChatCall, stream: ChatStream) -> None:
        if self.settings.log_content:
            stream.texts = {}
            messages = [{"role": m.role, "content": m.content} for m in call.messages]
            event(logger, "LLM_REQUEST_CONTENT", "asked", messages=messages)

    def _log_answer(self, stream: ChatStream) -> None:
        if stream.texts is not None:
            texts = ["".join(stream.texts[index]) for index in sorted(stream.texts)]
            event(logger, "LLM_ANSWER_CONTENT", "answered", texts=texts)


def _log_first_token(call: Call) -> None:
    """Logs under the two event names that log readers already know."""
    kind = "HTTP" if call.trace.protocol == "http" else "LLM"
    ttft_ms = round(1e3 * (call.ttft_s or 0.0), 1)
    event(logger, f"{kind}_TTFT_COMPUTED", "first token", ttft_ms=ttft_ms)
