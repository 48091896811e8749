# SPDX-License-Identifier: AGPL-3.0-only
"""A request that has not ended: what it asked for, and what of its answer has been delivered.

That is enough to continue it in another engine process: the same request with the same seed, and
the tokens that it has already given; see docs/reliability.md. A call, such as for embeddings, is
asked again.
"""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import secrets
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sentiric_llama.engine.messages import Failure, Submit
from sentiric_llama.engine.process.client import encoded
from sentiric_llama.engine.process.quarantine import NO_BLAME, Blame
from sentiric_llama.engine.stream import WINDOW, StreamItem
from sentiric_llama.errors import DeadlineExceeded, SentiricLlamaError, Unavailable
from sentiric_llama.types import ChosenLogprob, Delta, Final, Message, Request, Tool

MAX_PRESENT = 3
"""How many kills from outside in a row it may be present at without any progress in between."""
SLACK = 1024
"""Tokens that a step may add beyond the credit: drafts, and text that a grammar forces."""
TOKEN_BYTES = 4096
"""No token of a model has more; see `gguf/rules.py`."""
MAX_SCORED = 2**18
"""Log-probabilities that a prompt may have."""
MAX_RETRY_MS = 24 * 3_600_000
_SEEDS = 2**64 - 1
"""Seeds are below this one, which means "draw one"."""


def _size_of(logprob: ChosenLogprob) -> int:
    return len(logprob.chosen.piece) + sum(len(other.piece) for other in logprob.top)


def _check_numbers(delta: Delta) -> None:
    """Raises ValueError for counts and times that cannot be: metrics and clients would see them."""
    reports: list[Any] = [delta.truncation]
    if delta.final is not None:
        reports += (delta.final.usage, delta.final.timings)
    for report in reports:
        for value in dataclasses.astuple(report):
            if not 0 <= value < 2**53:  # False for NaN
                raise ValueError("an impossible count or time")


def with_seed(request: Request) -> Request:
    """The request with a seed that is fixed, so that another process would draw the same tokens."""
    seed = request.sampling.seed
    fixed = secrets.randbits(63) if seed is None else min(seed % 2**64, _SEEDS - 1)
    return (
        request
        if seed == fixed
        else replace(request, sampling=replace(request.sampling, seed=fixed))
    )


@dataclass(eq=False, slots=True)
class LiveRequest:
    """Belongs to the event loop of its engine."""

    number: int
    request: Request
    put: Callable[[StreamItem], None]
    """Gives its stream an item."""
    granted: int = WINDOW
    """Tokens that the engine may generate so far."""
    allowed: int = WINDOW
    """Tokens that the engine process has been told of."""
    delivered: array[int] = field(default_factory=lambda: array("i"))
    scored: int = 0
    """Tokens of the prompt whose log-probabilities it has delivered."""
    is_sent: bool = False
    """True if the current engine process has it."""
    is_late: bool = False
    """True if it came after a crash, while the engine was not serving yet."""
    was_sent: bool = False
    """True if an earlier engine process had it."""
    blame: Blame = NO_BLAME
    """The crashes that it, or its like, may have caused, since a trial or an end cleared it."""
    harmless_at: int = 0
    """How many tokens it must have to be beyond the step in which an engine process died."""
    present: int = 0
    """Kills from outside that it was worked on at, without progress since."""
    resumes: int = 0
    submitted_at: float = field(default_factory=time.monotonic)
    first_token_at: float = 0.0
    _known: int = 0
    """Of these, how many the current engine process has still to send again."""
    _deltas: int = 0
    _bytes: int = 0
    moved: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when it makes progress or ends."""

    @property
    def overdue_s(self) -> float:
        """How long ago its deadline passed; not above 0 before, or without one."""
        if self.request.deadline_ms <= 0:
            return 0.0
        return time.monotonic() - self.submitted_at - self.request.deadline_ms / 1e3

    @property
    def is_waited_for(self) -> bool:
        """True if its reader has room for more tokens."""
        return self.granted > self.scored + len(self.delivered)

    @property
    def num_bytes(self) -> int:
        request = self.request
        grammar = len(request.grammar.text) if request.grammar else 0
        sources = (request.text, request.messages, request.tools, request.tokens)
        return grammar + len(request.template_arguments) + sum(map(_bytes_of, sources))

    @property
    def can_resume(self) -> bool:
        """False if what it draws next depends on probabilities that are gone with the process."""
        sampling = self.request.sampling
        return not self.delivered or sampling.mirostat == 0 or sampling.temperature == 0

    @property
    def fingerprint(self) -> bytes:
        """Identifies what it asks for, whoever asks and with whatever seed."""
        request = self.request
        texts = [text for message in request.messages for text in _texts_of(message)]
        texts += [text for tool in request.tools for text in _texts_of(tool)]
        texts += [request.text, request.grammar.text if request.grammar else ""]
        bare = replace(request, messages=(), tools=(), text="", tokens=(), grammar=None, tenant="")
        sampling = replace(request.sampling, seed=0)
        bare = replace(bare, sampling=sampling, cache_scope="", deadline_ms=0)
        rest = (bare, request.grammar and request.grammar.kind, tuple(request.tokens))
        digest = hashlib.sha256(repr(rest).encode())
        for text in texts:
            encoded_text = text.encode("utf-8", "surrogatepass")
            digest.update(b"%d:" % len(encoded_text) + encoded_text)
        return digest.digest()

    def command(self, window: int | None = None) -> Submit:
        """What makes an engine process work on it from where it is. Raises DeadlineExceeded."""
        request = self.request
        self._deltas = self._bytes = 0  # of the process that gets it now
        # A process begins with the prompt again, unless it is told of tokens behind it.
        self._known = 0 if self.delivered else self.scored
        if self.was_sent or self.delivered:
            request = replace(request, delivered=tuple(self.delivered), resumed=True)
        if request.deadline_ms > 0:
            left_ms = request.deadline_ms - int(1e3 * (time.monotonic() - self.submitted_at))
            if left_ms <= 0:
                raise DeadlineExceeded("the deadline passed", where="deadline")
            request = replace(request, deadline_ms=left_ms)
        return Submit(self.number, request, self.granted if window is None else window)

    def take(self, delta: Delta) -> Delta:
        """Notes what is delivered. Returns it with the times of the whole request.

        Raises ValueError for more than was granted: the buffer of the stream relies on that.
        """
        _check_numbers(delta)
        self._deltas += 1
        self._bytes += len(delta.text)
        self._bytes += sum(map(_size_of, (*delta.logprobs, *delta.prompt_logprobs)))
        delta = self._without_known(delta)
        if delta.tokens:
            self.first_token_at = self.first_token_at or time.monotonic()
            self.delivered.extend(delta.tokens)  # OverflowError for what is no token
            if len(self.delivered) >= self.harmless_at:
                self.present = 0
            self.moved.set()
        self._check_bounds()
        if delta.final is None or not self.resumes:
            return delta
        return replace(delta, final=self._whole(delta.final))

    def _without_known(self, delta: Delta) -> Delta:
        """The delta without log-probabilities that an earlier process has delivered."""
        if not delta.prompt_logprobs:
            return delta
        if self.request.prompt_logprobs is None or self.delivered:
            raise ValueError("log-probabilities that were not asked for")
        again = min(self._known, len(delta.prompt_logprobs))
        self._known -= again
        self.scored += len(delta.prompt_logprobs) - again
        if self.scored > MAX_SCORED:
            raise ValueError("more than a prompt has")
        self.moved.set()
        return replace(delta, prompt_logprobs=delta.prompt_logprobs[again:]) if again else delta

    def _check_bounds(self) -> None:
        tokens = self.scored + len(self.delivered)
        pieces = 2 + max(self.request.sampling.top_logprobs or 0, self.request.prompt_logprobs or 0)
        if (
            tokens > self.granted + SLACK
            or self._deltas > tokens + SLACK
            or self._bytes > (tokens + SLACK) * pieces * TOKEN_BYTES
        ):
            raise ValueError("more than was granted")

    def _whole(self, final: Final) -> Final:
        """An engine process knows the times of its own part only."""
        now, first = time.monotonic(), self.first_token_at
        timings = replace(
            final.timings,
            ttft_ms=1e3 * (first - self.submitted_at) if first else 0.0,
            predicted_ms=1e3 * (now - first) if first else 0.0,
        )
        return replace(final, timings=timings)

    def explain(self, failure: Failure) -> SentiricLlamaError:
        """The error of a request that was continued is not that of a new one.

        Raises ValueError for impossible numbers.
        """
        if not 0 <= failure.retry_ms <= MAX_RETRY_MS:
            raise ValueError("an impossible time")
        if self.resumes and failure.code == "not_supported":
            return Unavailable("the engine process ended, and this answer cannot be continued",
                               where="engine")  # fmt: skip
        return failure.as_error()


@dataclass(eq=False, slots=True)
class LiveCall:
    """`make` is the message's class; it gets the number, then `values` and `options`."""

    number: int
    make: Any
    values: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)
    blame: Blame = NO_BLAME
    present: int = 0
    """Kills from outside that it was worked on at."""

    @property
    def fingerprint(self) -> bytes:
        """Identifies what it asks for, whoever asks. Raises InvalidArgument as sending it would."""
        return hashlib.sha256(encoded(self.make(0, *self.values, **self.options))).digest()

    @property
    def num_bytes(self) -> int:
        return _bytes_of(self.values)


def _texts_of(value: Message | Tool) -> Iterator[str]:
    """All its texts, and how many calls a message has, so that no two values give the same."""
    if isinstance(value, Tool):
        yield from (value.name, value.description, value.parameters)
        return
    yield from (value.role, value.content, value.reasoning, value.tool_call_id, value.name)
    yield str(len(value.tool_calls))
    for call in value.tool_calls:
        yield from (call.id, call.name, call.arguments)


def _bytes_of(value: Any) -> int:
    """About how much memory its texts and numbers take."""
    if isinstance(value, str | bytes):
        return len(value)
    if isinstance(value, Message | Tool):
        return sum(map(len, _texts_of(value)))
    if not isinstance(value, Sequence):
        return 8
    if value and isinstance(value[0], int):
        return 8 * len(value)
    return sum(map(_bytes_of, value))
