# SPDX-License-Identifier: AGPL-3.0-only
"""The instruction that `reasoning_effort` adds to the system prompt."""

from __future__ import annotations

from sentiric_llama.settings.config import Settings
from sentiric_llama.types.ranges import out_of_range

EFFORTS = ("none", "low", "high")


def told_effort(effort: str) -> str | None:
    """The effort that a model without thoughts of its own is told; None: nothing is said."""
    words = {"minimal": "low", "low": "low", "high": "high", "xhigh": "high", "max": "high"}
    return words.get(effort)


def effort_prompt(system: str, effort: str | None, settings: Settings) -> str:
    """The system prompt with the instruction for an effort; as it is without one, or for "none".

    The instruction stands behind the prompt: requests of different efforts share the computed
    prefix up to there. Raises InvalidArgument for an unknown effort.
    """
    if effort is not None and effort not in EFFORTS:
        raise out_of_range("reasoning_effort", effort, " | ".join(EFFORTS))
    instructions = {
        "low": settings.default_rag_prompt_low,
        "high": settings.default_rag_prompt_high,
    }
    return "\n\n".join(part for part in (system, instructions.get(effort or "", "")) if part)
