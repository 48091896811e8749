# SPDX-License-Identifier: AGPL-3.0-only
"""The line of numbers below an answer."""

from __future__ import annotations

from sentiric_llama.types import Final, TruncationReport


def numbers(final: Final, ttft_ms: float, context: TruncationReport) -> str:
    """Tokens, rate, time to the first token as it was seen here, and what did not fit."""
    usage, timings = final.usage, final.timings
    parts = [f"{usage.completion_tokens} tok"]
    if timings.predicted_per_second:
        parts.append(f"{timings.predicted_per_second:.1f} tok/s")
    parts.append(f"TTFT {ttft_ms:.0f} ms")
    parts.append(f"prompt {usage.prompt_tokens}, {usage.cached_tokens} cached")
    if context.truncated or context.dropped_turns:
        left = f"{context.dropped_turns} turns dropped, {context.shifted_tokens} tokens shifted out"
        parts.append(left)
    if final.finish_reason != "stop":
        parts.append(final.finish_reason)
    return " · ".join(parts)
