# SPDX-License-Identifier: AGPL-3.0-only
"""Fields of requests beyond those that work here: refused, without effect, or unknown.

All protocols share these tables, so that a field means the same in each of them.
"""

from __future__ import annotations

import heapq
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from sentiric_llama.errors import InvalidArgument
from sentiric_llama.types.ranges import out_of_range, shown

UNSUPPORTED: Mapping[str, tuple[Any, ...]] = {
    "function_call": ("none", "auto"),
    "modalities": (["text"],),
}
"""Fields that would change the answer -> the values that request nothing."""

BUDGETS = ("reasoning_budget_tokens", "thinking_budget_tokens", "thinking_budget")
"""Names of the bound of a thought, in tokens; -1 for none."""

KNOWN: Mapping[str, tuple[Any, ...]] = {
    **UNSUPPORTED,
    **dict.fromkeys(("messages", "tools", "functions", "mcp_servers"), ([],)),
    **dict.fromkeys(("n", "best_of"), (1,)),
    **dict.fromkeys(("echo", "ignore_eos", "continue_final_message"), (False,)),
    **dict.fromkeys(("suffix", "chat_template", "system_prompt"), ("",)),
    **dict.fromkeys(("lora_adapter", "lora_adapter_id"), ("",)),
    **dict.fromkeys(("stop_token_ids", "allowed_token_ids", "bad_words"), ([],)),
    **dict.fromkeys((*BUDGETS, "max_completion_tokens", "n_predict", "seed"), (-1,)),
    **dict.fromkeys(("prompt_logprobs", "container", "enable_thinking", "rag_context"), ()),
    **dict.fromkeys(("stop", "stop_sequences", "samplers"), ([], "")),
    **dict.fromkeys(("reasoning", "chat_template_kwargs"), ({}, "")),
    "response_format": ({}, {"type": "text"}),
    "tool_choice": ("none", "auto"),
    "reasoning_effort": ("none",),
    "add_generation_prompt": (True,),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "min_tokens": (0,),
    "repetition_limit": (0,),
    "return_tokens": (False,),
}
"""Fields that change an answer on some route -> the values that request nothing.

A route that lacks one refuses it: no caller should believe that it was obeyed.
"""

WITHOUT_EFFECT = frozenset(
    {
        *("user", "metadata", "store", "service_tier", "prompt_cache_key", "verbosity"),
        *("safety_identifier", "prediction", "web_search_options", "cache_prompt", "id_slot"),
        *("timings_per_token", "return_progress"),
    }
)
"""Fields that clients send and that have no effect here."""

MAX_TEMPLATE_ARGUMENTS = 64
MAX_SHOWN = 16
MAX_NAME = 64
MORE = "..."
_HALF_ESCAPE = re.compile(r"%.?$")


def check_supported(name: str, value: object, neutral: tuple[Any, ...]) -> None:
    """Raises InvalidArgument unless the value is null or requests nothing."""
    if value is None or any(_same(value, item) for item in neutral):
        return
    allowed = f"allowed {' | '.join(map(json.dumps, neutral))}; " if neutral else ""
    what = f"this field is not supported; got {shown(value)}, {allowed}leave it out"
    raise InvalidArgument(what, where=name)


def parse_template_arguments(value: Any) -> dict[str, Any]:
    """`chat_template_kwargs`: variables for the chat template; "" for none."""
    if value == "":
        return {}
    if not isinstance(value, dict):
        raise out_of_range("chat_template_kwargs", value, "an object")
    if len(value) > MAX_TEMPLATE_ARGUMENTS:
        what = f"got {len(value)} variables, allowed at most {MAX_TEMPLATE_ARGUMENTS}"
        raise InvalidArgument(what, where="chat_template_kwargs")
    return value


def _same(value: object, neutral: object) -> bool:
    return value == neutral and isinstance(value, bool) == isinstance(neutral, bool)


def safe_name(name: str) -> str:
    """A caller's name as a header or a message may repeat it: percent-encoded and short."""
    encoded = quote(name[: MAX_NAME + 1], safe="", errors="replace")
    if len(encoded) <= MAX_NAME:
        return encoded
    return _HALF_ESCAPE.sub("", encoded[:MAX_NAME]) + MORE


def named(names: Iterable[str]) -> str:
    """The value of `x-ignored-fields`: the first safe names, then "..." if there are more."""
    first = heapq.nsmallest(MAX_SHOWN + 1, set(names))
    if len(first) > MAX_SHOWN:
        first[MAX_SHOWN:] = [MORE]
    return ", ".join(first)
