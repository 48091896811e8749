# SPDX-License-Identifier: AGPL-3.0-only
"""The line of numbers below an answer."""

from __future__ import annotations

from sentiric_llama.locale.messages import say
from sentiric_llama.types import Final, TruncationReport


def numbers(final: Final, ttft_ms: float, context: TruncationReport) -> str:
    """Tokens, rate, time to the first token as it was seen here, and what did not fit."""
    usage, timings = final.usage, final.timings
    parts = [say("{count} tok", count=usage.completion_tokens)]
    if timings.predicted_per_second:
        parts.append(say("{rate} tok/s", rate=f"{timings.predicted_per_second:.1f}"))
    parts.append(f"TTFT {ttft_ms:.0f} ms")
    counts = {"count": usage.prompt_tokens, "cached": usage.cached_tokens}
    parts.append(say("prompt {count}, {cached} cached", **counts))
    if context.truncated or context.dropped_turns:
        left = {"turns": context.dropped_turns, "tokens": context.shifted_tokens}
        parts.append(say("{turns} turns dropped, {tokens} tokens shifted out", **left))
    if final.finish_reason != "stop":
        parts.append(final.finish_reason)
    return " · ".join(parts)
