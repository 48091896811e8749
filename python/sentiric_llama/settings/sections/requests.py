# SPDX-License-Identifier: AGPL-3.0-only
"""Defaults for fields that a request leaves out, and limits on every request."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from sentiric_llama.settings.sections.kinds import Section, sampling
from sentiric_llama.types import Truncation
from sentiric_llama.types.ranges import INT32_MAX

DEFAULT_RAG_PROMPT = (
    "Use the following information to answer the question. "
    "If the answer is not in it, say that you do not know.\n\n"
    "{{rag_context}}\n\nQuestion: {{user_prompt}}"
)

LOW_EFFORT_PROMPT = (
    "Before you answer, think briefly: write at most three short sentences of reasoning between "
    "<think> and </think>, then the answer."
)
HIGH_EFFORT_PROMPT = (
    "Before you answer, think thoroughly: write your reasoning step by step between <think> and "
    "</think>, check it for mistakes, then write the answer."
)


class Requests(Section):
    """Defaults and limits of requests."""

    TITLE: ClassVar[str] = "Requests"

    request_timeout_ms: int = Field(
        600_000, ge=0, le=86_400_000, description="maximum time of a request; 0 for no limit"
    )
    strict_fields: bool = Field(False, description="refuse unknown request fields")
    default_max_tokens: int = Field(
        1024, ge=0, le=INT32_MAX, description="maximum number of tokens to generate"
    )
    default_temperature: float = sampling("temperature", 0.8)
    default_top_k: int = sampling("top_k", 40)
    default_top_p: float = sampling("top_p", 0.95)
    default_min_p: float = sampling("min_p", 0.05)
    default_repeat_penalty: float = sampling("repeat_penalty", 1.1)
    default_system_prompt: str = Field("", description="system prompt for chats without one")
    default_rag_prompt: str = Field(
        DEFAULT_RAG_PROMPT,
        description="template for rag_context, with {{rag_context}} and {{user_prompt}}",
    )
    default_rag_prompt_low: str = Field(
        LOW_EFFORT_PROMPT,
        description="instruction added to the system prompt for reasoning_effort low; empty for "
        "none",
    )
    default_rag_prompt_high: str = Field(
        HIGH_EFFORT_PROMPT,
        description="the same for reasoning_effort high",
    )
    repetition_limit: int = Field(
        0,
        ge=0,
        le=INT32_MAX,
        description="end an answer (finish_reason repetition) after this many tokens of repeated "
        "text; 0 for never",
    )
    stable_prefix: bool = Field(
        True,
        description="move or drop dates and the like that agents write near the beginning, so that "
        "their sessions share a prefix",
    )
    truncation: Truncation = Field(
        "drop_turns", description="how to shorten a conversation that exceeds the context"
    )
