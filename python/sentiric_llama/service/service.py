# SPDX-License-Identifier: AGPL-3.0-only
"""The use cases of the service, the same for every protocol: chat, tokenize, embed."""

from __future__ import annotations

import contextlib
import logging
from array import array
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from sentiric_llama.access import key_watch
from sentiric_llama.access.caller import CURRENT_CALLER
from sentiric_llama.access.limiter import Limiter, Place
from sentiric_llama.engine.facts import check_generation
from sentiric_llama.engine.formats.answer_format import AnswerPlan
from sentiric_llama.engine.formats.model_format import ModelFormat, Tail
from sentiric_llama.engine.prompt.conversation import is_large
from sentiric_llama.engine.prompt.template_probe import learn_opening
from sentiric_llama.engine.protocol import FloatArray
from sentiric_llama.errors import InvalidArgument, PermissionDenied
from sentiric_llama.host.off_loop import maybe_off_loop
from sentiric_llama.log.events import event
from sentiric_llama.service import body_budget
from sentiric_llama.service.body_budget import BodyBudget
from sentiric_llama.service.chat_call import (
    MAX_CONTENT_BYTES,
    ChatCall,
    build_requests,
    check_limits,
)
from sentiric_llama.service.chat_result import ChatResult, collect
from sentiric_llama.service.chat_stream import ChatStream, ChoiceDelta
from sentiric_llama.service.entrance import at_once
from sentiric_llama.service.life import ServiceLife
from sentiric_llama.service.models.slot import LoadedModel
from sentiric_llama.service.models.switch import ModelSwitch
from sentiric_llama.service.prompt.asked_content import asked_content
from sentiric_llama.service.prompt.embed_call import EmbedCall, Embeddings, rows_of, tokens_of
from sentiric_llama.service.prompt.infill import with_suffix
from sentiric_llama.service.prompt.message_places import MessagePlaces
from sentiric_llama.service.prompt.stable_prefix import Change, stable
from sentiric_llama.service.prompt.tool_schemas import ToolSchemas
from sentiric_llama.service.queue_share import QueueShare
from sentiric_llama.service.running import RunningCalls
from sentiric_llama.service.tokens import (
    MAX_EMBED_TEXTS,
    MAX_TOKENS_LISTED,
    STEP,
    check_size,
    check_tokens,
    distinct,
    estimate_prompts,
    estimate_tokens,
    predicted,
    spellings,
    tokenize,
    too_much_text,
)
from sentiric_llama.settings.config import Settings
from sentiric_llama.settings.exposure import key_file, key_ring
from sentiric_llama.telemetry import key_metrics
from sentiric_llama.telemetry.request_metrics import Call, Endpoint, RequestMetrics
from sentiric_llama.types import Device, Request, Tool
from sentiric_llama.types.queue import queue_places
from sentiric_llama.types.ranges import out_of_range
from sentiric_llama.types.rendering import ChatRendering

logger = logging.getLogger(__name__)


class _Prepared(NamedTuple):
    """A call as the engine takes it."""

    requests: list[Request]
    form: ModelFormat
    plan: AnswerPlan
    relaxed: tuple[str, ...]
    """Tools whose arguments no grammar can enforce."""
    changes: list[Change]
    """What was moved or dropped so that sessions of agents share a prefix."""
    places: MessagePlaces


class RenderedCall(NamedTuple):
    """The prompt of a call."""

    request: Request
    rendering: ChatRendering
    changes: list[Change]
    model: str
    context_size: int


class LlamaService(ServiceLife):
    """Everything that callers can ask for. Belongs to one event loop."""

    def __init__(self, settings: Settings) -> None:
        """Raises InvalidArgument if the file of keys cannot serve."""
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
        self._tool_schemas = ToolSchemas()
        self.bodies = BodyBudget(body_budget.WHOLE_BODIES * settings.max_body_bytes)
        """The request bodies of all protocols."""
        self.keys = key_ring(settings)
        self.key_file = key_file(settings, self.keys)
        self.limiter = Limiter(self.request_metrics.keys.note_refusal)
        """The limits of keys, over all protocols."""
        self.request_metrics.on_end.append(_charge)

    async def watch_keys(self) -> None:
        """Takes over changes of the file of keys until it is cancelled. Ends if there is none.

        Running calls of a revoked key go on; only what it has used is forgotten.
        """
        if self.key_file is not None:
            period_s = self.settings.keys_reload_s
            await key_watch.watch(self.key_file, period_s, self._forget_revoked)

    def _forget_revoked(self) -> None:
        self.limiter.keep(self.keys.names)

    def require_room(self) -> None:
        """Raises NotReady, RateLimitExceeded or Overloaded.

        Lets protocols refuse a request before its body.
        """
        engine = self.ready().engine
        self.limiter.check(CURRENT_CALLER.get())
        self.is_full = True
        engine.check_room()
        self.is_full = False

    def find_model(self, name: str) -> LoadedModel:
        """The model with this name or alias, if the caller may use it.

        Raises NotReady or ModelNotFound.
        """
        self.ready()
        found = self.models.find(name)
        if found not in self.models.usable():
            raise self.models.not_found()
        return found

    @contextlib.asynccontextmanager
    async def open_chat(self, call: ChatCall) -> AsyncIterator[ChatStream]:
        """Starts all choices of a call; leaving the block stops those still running.

        Raises NotReady, ModelNotFound, NotSupported, InvalidArgument, ContextLengthExceeded, or the
        engine's error if it refuses a choice. The first read of the stream raises errors of the
        prompt.
        """
        with self._serving("chat", call.model or "") as (record, loaded):
            engine, model = loaded.engine, loaded.served
            self._check_tenant()
            check_generation(engine.info)
            caller, limit = CURRENT_CALLER.get(), loaded.settings.queue_limit
            contexts, hold_ms = engine.capacity.total, engine.stats().request_ms_mean
            # Also while it is prepared: the work of one key must not fill the time of others.
            most = at_once(contexts, queue_places(limit, contexts))
            count = min(call.num_choices, most)
            with self._queue.hold(caller, count, contexts, limit, hold_ms):
                requests, form, plan, relaxed, _, places = await self._prepare(call, loaded)
                record.is_stream = True
                readers = [form.reader(plan) for _ in requests]
                stream = ChatStream(
                    engine,
                    requests,
                    readers,
                    model.notice,
                    self.request_metrics,
                    record,
                    is_exact=call.is_constrained,
                    at_once=most,
                    blame=places.blame,
                )
                stream.unenforced = relaxed
                stream.choices_per_prompt = call.n
                stream.expect(estimate_prompts(call.prompts, requests[0]))
                self._log_question(call, stream)
                try:
                    with self.running.entry(stream):
                        await stream.open()
                        yield stream
                finally:
                    await stream.aclose()
                    self._log_answer(stream)

    async def _prepare(self, call: ChatCall, loaded: LoadedModel) -> _Prepared:
        """The engine's requests, and how their answers are read.

        Raises InvalidArgument, PermissionDenied, ContextLengthExceeded or TemplateFailed.
        """
        engine, form = loaded.engine, await loaded.format()
        await maybe_off_loop(is_large(call.messages, call.wishes.tools), check_limits, call)
        call = await with_suffix(engine, call)
        changes: list[Change] = []
        order: Sequence[int] = range(len(call.messages))
        if loaded.settings.stable_prefix:
            large = is_large(call.messages, call.wishes.tools)
            call, changes, order = await maybe_off_loop(large, stable, call)
        wishes = call.wishes
        opens = await learn_opening(
            engine, form, call.template_arguments, wishes, Tail.of(call.messages)
        )
        tools: tuple[Tool, ...] = wishes.tools
        relaxed: tuple[str, ...] = ()
        if wishes.calling != "none":
            tools, relaxed = await self._tool_schemas.enforceable(
                wishes.tools, wishes.strict, form.form.calls, CURRENT_CALLER.get().share
            )
        requests, plan = await maybe_off_loop(
            is_large(call.messages, wishes.tools),
            build_requests,
            call,
            loaded.settings,
            engine.info.num_vocab,
            form,
            tools,
            await spellings(engine, call.bad_words),
            await predicted(engine, call.prediction),
            opens=opens,
        )
        source = "messages" if call.system_prompt is None else "system_prompt"
        places = MessagePlaces(len(requests[0].messages), call.messages, order, source)
        return _Prepared(requests, form, plan, relaxed, changes, places)

    async def count_tokens(self, call: ChatCall) -> int:
        """Tokens of the prompt of a call, with all that the template adds. Generates nothing.

        A prompt that does not fit the context is counted whole. Raises what `open_chat` raises.
        """
        with self._serving("tokenize", call.model or "") as (_, loaded):
            self._check_tenant()
            prepared = await self._prepare(_uncalled(call), loaded)
            request = prepared.requests[0]
            with prepared.places.blaming():
                tokens = await loaded.engine.tokenize_chat(
                    request.messages,
                    tools=request.tools,
                    template_arguments=request.template_arguments,
                    continues=request.continues,
                )
            return len(tokens)

    async def render(self, call: ChatCall) -> RenderedCall:
        """The prompt of a call as it would be evaluated now, however long. Generates nothing.

        Raises what `open_chat` raises.
        """
        with self._serving("tokenize", call.model or "") as (_, loaded):
            self._check_tenant()
            prepared = await self._prepare(call, loaded)
            request = prepared.requests[0]
            with prepared.places.blaming():
                found = await loaded.engine.describe_chat(request)
            size = loaded.engine.info.context_size
            return RenderedCall(request, found, prepared.changes, loaded.served.name, size)

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
        with self._serving("embeddings") as (record, loaded):
            self._check_tenant()
            if not 1 <= len(texts) <= MAX_EMBED_TEXTS:
                raise out_of_range("texts", len(texts), f"1..{MAX_EMBED_TEXTS} texts")
            check_size("texts", texts)
            record.prompt_estimate = estimate_tokens(texts)
            found = await self._embedded(EmbedCall(texts, field="texts"), record, loaded)
            return found.rows, found.model

    async def embed_prompts(self, call: EmbedCall) -> Embeddings:
        """One pooled, L2-normalised row per input, and what they cost.

        Raises NotReady, ModelNotFound, NotSupported or InvalidArgument.
        """
        with self._serving("embeddings", call.model or "") as (record, loaded):
            self._check_tenant()
            return await self._embedded(call, record, loaded)

    async def _embedded(self, call: EmbedCall, record: Call, loaded: LoadedModel) -> Embeddings:
        """The vectors, one place of the queue for all of them."""
        engine, limit, caller = loaded.engine, loaded.settings.queue_limit, CURRENT_CALLER.get()
        hold_ms = engine.stats().request_ms_mean
        with self._queue.hold(caller, 1, engine.capacity.total, limit, hold_ms):
            prompts = await tokens_of(engine, call)
            num_tokens = sum(map(len, prompts))
            record.prompt_estimate = num_tokens
            rows = await rows_of(loaded, call, prompts, caller.share)
        return Embeddings(rows, num_tokens, loaded.served.name)

    @contextlib.contextmanager
    def _serving(self, endpoint: Endpoint, model: str = "") -> Iterator[tuple[Call, LoadedModel]]:
        """The record of one call and its model, within the limits of its key.

        Raises NotReady, ModelNotFound, RateLimitExceeded or PermissionDenied.
        """
        with (
            self._admitted(endpoint) as place,
            self.request_metrics.open(endpoint) as record,
            self.in_use(model) as loaded,
        ):
            record.place, record.model = place, loaded.served.name
            self._check_model(loaded)
            yield record, loaded

    @contextlib.contextmanager
    def _admitted(self, endpoint: Endpoint) -> Iterator[Place]:
        """Counts the call as running for its key. A refusal is recorded as one of `reading`."""
        with contextlib.ExitStack() as stack:
            with self.request_metrics.reading(endpoint):
                place = stack.enter_context(self.limiter.hold(CURRENT_CALLER.get()))
            yield place

    def _check_model(self, loaded: LoadedModel) -> None:
        caller = CURRENT_CALLER.get()
        try:
            caller.check_model(loaded.served.name, loaded.served.aliases)
        except PermissionDenied:
            self.request_metrics.keys.note_refusal(caller.owner, key_metrics.MODEL)
            raise

    def _check_tenant(self) -> None:
        if self.settings.require_tenant and not CURRENT_CALLER.get().label:
            event(logger, "MISSING_TENANT_ID", "refused", logging.WARNING)
            raise InvalidArgument("tenant_id header is strictly required")

    def _log_question(self, call: ChatCall, stream: ChatStream) -> None:
        if self.settings.log_content:
            stream.texts = {}
            event(logger, "LLM_REQUEST_CONTENT", "asked", **asked_content(call))

    def _log_answer(self, stream: ChatStream) -> None:
        if stream.texts is not None:
            texts = ["".join(stream.texts[index]) for index in sorted(stream.texts)]
            event(logger, "LLM_ANSWER_CONTENT", "answered", texts=texts)


def _uncalled(call: ChatCall) -> ChatCall:
    """The same prompt, without a grammar for calls. Raises InvalidArgument as the call would."""
    _ = call.wishes.callable_tools
    return replace(call, wishes=replace(call.wishes, tool_choice="none"))


def _charge(call: Call) -> None:
    """For what ended otherwise than with a last token."""
    call.place.charge(call.tokens_used)


def _log_first_token(call: Call) -> None:
    """Logs under the two event names that log readers already know."""
    kind = "HTTP" if call.trace.protocol == "http" else "LLM"
    ttft_ms = round(1e3 * (call.ttft_s or 0.0), 1)
    event(logger, f"{kind}_TTFT_COMPUTED", "first token", ttft_ms=ttft_ms)
