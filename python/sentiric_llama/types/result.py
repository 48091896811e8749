# SPDX-License-Identifier: AGPL-3.0-only
"""The results of a request: deltas, how it ended, and the whole completion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from sentiric_llama.errors import InternalError

FinishReason = Literal["stop", "length", "cancelled", "error", "repetition"]
Ending = FinishReason | Literal["tool_calls"]
"""Of an answer that may call tools."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts. `cached_tokens` of the prompt came from the prefix cache."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    thought_tokens: int = 0
    """Of the completion: what the model thought before it answered."""
    accepted_prediction_tokens: int = 0
    """Of the completion: what was drafted from a prediction, ..."""
    rejected_prediction_tokens: int = 0
    """... and what was drafted from it in vain, which is not in the completion."""

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True)
class Timings:
    """Counts and times under llama.cpp's names: `*_n` are tokens, `*_ms` milliseconds."""

    cache_n: int = 0
    prompt_n: int = 0
    prompt_ms: float = 0.0
    predicted_n: int = 0
    predicted_ms: float = 0.0
    queue_ms: float = 0.0
    ttft_ms: float = 0.0
    draft_n: int = 0
    draft_n_accepted: int = 0

    @property
    def prompt_per_second(self) -> float:
        return 1e3 * self.prompt_n / self.prompt_ms if self.prompt_ms > 0 else 0.0

    @property
    def predicted_per_second(self) -> float:
        """Tokens per second after the first one, whose time belongs to the prompt."""
        steps = self.predicted_n - 1
        return 1e3 * steps / self.predicted_ms if steps > 0 and self.predicted_ms > 0 else 0.0


@dataclass(frozen=True, slots=True)
class TruncationReport:
    """What did not fit: turns and tokens dropped from the prompt, and tokens shifted out."""

    dropped_turns: int = 0
    dropped_tokens: int = 0
    shifted_tokens: int = 0

    @property
    def truncated(self) -> bool:
        return bool(self.dropped_tokens or self.shifted_tokens)

    @property
    def summary(self) -> str:
        """The value of `x-truncated`; empty if nothing was left out."""
        if not (self.truncated or self.dropped_turns):
            return ""
        return "; ".join(f"{name}={count}" for name, count in asdict(self).items())


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A token, its bytes (maybe part of a character) and its natural log-probability."""

    token: int
    piece: bytes
    logprob: float


@dataclass(frozen=True, slots=True)
class ChosenLogprob:
    """A token of the answer or of the prompt, and the most likely alternatives, best first.

    The first token of a prompt follows nothing: its log-probability is NaN.
    """

    chosen: TokenLogprob
    top: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class Final:
    """How a request ended. Streams raise an exception instead of "cancelled" and "error"."""

    finish_reason: FinishReason
    usage: Usage
    timings: Timings
    stop_string: str | None = None
    unfinished: bool = False
    """True if the text stops where its grammar does not allow an end."""
    stop_token: int | None = None
    """The one of `Request.stop_tokens` that ended it."""
    thought_tokens: int = 0
    """Tokens inside thoughts, with `Request.thinking`."""
    thinking_ended: bool = False
    """True if the limit of thoughts closed one."""
    prediction_accepted: int = 0
    """Tokens drafted from `Request.prediction` that the answer has, ..."""
    prediction_rejected: int = 0
    """... and those that it has not."""


@dataclass(frozen=True, slots=True)
class Delta:
    """What one step adds to a stream: whole characters, and `final` in the last delta."""

    text: str = ""
    tokens: tuple[int, ...] = ()
    logprobs: tuple[ChosenLogprob, ...] = ()
    truncation: TruncationReport = TruncationReport()
    final: Final | None = None
    prompt_tokens: int = 0
    """With the first tokens: how many the prompt has."""
    cached_tokens: int = 0
    """With the first tokens: how many of the prompt came from the prefix cache."""
    prompt_logprobs: tuple[ChosenLogprob, ...] = ()
    """With `Request.prompt_logprobs`, before the first tokens: one per token of the prompt."""

    @property
    def credit(self) -> int:
        """How much of the reader's credit it uses up."""
        return len(self.tokens) + len(self.prompt_logprobs)


@dataclass(frozen=True, slots=True)
class Completion:
    """A finished generation."""

    text: str
    tokens: tuple[int, ...]
    finish_reason: Ending
    usage: Usage
    timings: Timings
    truncation: TruncationReport = TruncationReport()
    logprobs: tuple[ChosenLogprob, ...] = ()
    stop_string: str | None = None
    unfinished: bool = False
    """True if the text stops where its grammar does not allow an end."""
    stop_token: int | None = None
    """The one of `Request.stop_tokens` that ended it."""
    thought_tokens: int = 0
    """Tokens inside thoughts, with `Request.thinking`."""
    thinking_ended: bool = False
    """True if the limit of thoughts closed one."""
    prediction_accepted: int = 0
    """Tokens drafted from `Request.prediction` that the answer has, ..."""
    prediction_rejected: int = 0
    """... and those that it has not."""
    prompt_logprobs: tuple[ChosenLogprob, ...] = ()
    """With `Request.prompt_logprobs`: one per token of the prompt."""

    @classmethod
    def join(cls, deltas: Sequence[Delta]) -> Completion:
        """Joins the deltas of a whole stream. Raises InternalError if the last one is missing."""
        final = deltas[-1].final if deltas else None
        if final is None:
            raise InternalError("the stream ended without a final delta", where="engine")
        return cls(
            text="".join(delta.text for delta in deltas),
            tokens=tuple(token for delta in deltas for token in delta.tokens),
            finish_reason=final.finish_reason,
            usage=final.usage,
            timings=final.timings,
            truncation=deltas[-1].truncation,
            logprobs=tuple(entry for delta in deltas for entry in delta.logprobs),
            stop_string=final.stop_string,
            unfinished=final.unfinished,
            stop_token=final.stop_token,
            thought_tokens=final.thought_tokens,
            thinking_ended=final.thinking_ended,
            prediction_accepted=final.prediction_accepted,
            prediction_rejected=final.prediction_rejected,
            prompt_logprobs=tuple(entry for delta in deltas for entry in delta.prompt_logprobs),
        )
