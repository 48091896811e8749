# SPDX-License-Identifier: AGPL-3.0-only
"""The options of the library's chat methods that the format of the model obeys."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, get_args

from sentiric_llama.engine.options import Options, chat_request
from sentiric_llama.engine.prompt.conversation import ChatPrompt
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.types import Request, SamplingParams, Tool
from sentiric_llama.types.chat import Reasoning
from sentiric_llama.types.ranges import THINKING_BUDGET, out_of_range, shown
from sentiric_llama.types.wishes import MAX_TOOL_NAME, MAX_TOOLS, Effort, Wishes

_CHOICES = ("none", "auto", "required")
_ALLOWED = f"{' | '.join(_CHOICES)} or the name of a tool"


class ChatOptions(Options, total=False):
    """Options of a conversation."""

    tool_choice: str | Mapping[str, Any]
    """"auto", "none", "required", or the tool to call: its name, or as in the OpenAI API."""
    parallel_tool_calls: bool
    """Whether there may be several calls in one answer."""
    reasoning: Effort | Reasoning
    """How much to think: a word, or `Reasoning`."""


WISHES = frozenset(ChatOptions.__annotations__) - frozenset(Options.__annotations__)


class ChatAsk(NamedTuple):
    """A conversation, and what is wanted of its answer."""

    request: Request
    wishes: Wishes
    is_plain: bool
    """A constraint is for the whole of the text, and nothing else is asked for."""


def chat_ask(
    messages: ChatPrompt, sampling: SamplingParams | None, options: ChatOptions
) -> ChatAsk:
    """Raises InvalidArgument with the option in `where`."""
    rest: Any = {name: value for name, value in options.items() if name not in WISHES}
    request = chat_request(messages, sampling, rest, WISHES)
    _check_tools(request.tools)
    reasoning = _reasoning(options.get("reasoning"))
    parallel = options.get("parallel_tool_calls", True)
    if not isinstance(parallel, bool):
        raise out_of_range("parallel_tool_calls", parallel, "True or False")
    wishes = Wishes(
        tools=tuple(request.tools),
        tool_choice=_choice(options.get("tool_choice", "auto"), request.tools),
        parallel=parallel,
        strict=_strict(options.get("tools", ())),
        thinks=None if reasoning.effort is None else reasoning.effort != "none",
        effort="" if reasoning.effort in (None, "none") else str(reasoning.effort),
        thinking_budget=_budget(reasoning.max_tokens),
    )
    is_asked = bool(request.tools) or options.get("reasoning") is not None
    return ChatAsk(request, wishes, request.grammar is not None and not is_asked)


def _check_tools(tools: Sequence[Tool]) -> None:
    if len(tools) > MAX_TOOLS:
        raise out_of_range("tools", tools, f"at most {MAX_TOOLS} tools")
    names: set[str] = set()
    for index, tool in enumerate(tools):
        where = f"tools[{index}]"
        name: Any = tool.name  # of a dictionary, it may be anything
        size = len(name.encode("utf-8", "replace")) if isinstance(name, str) else 0
        if not 1 <= size <= MAX_TOOL_NAME:
            raise out_of_range(f"{where}.name", name, f"a string of 1..{MAX_TOOL_NAME} bytes")
        if name in names:
            raise InvalidArgument("two tools have this name", where=f"{where}.name")
        names.add(name)
        _check_schema(tool.parameters, f"{where}.parameters")


def _check_schema(text: Any, where: str) -> None:
    """Only what would confuse a format; the rest is found out when it is compiled."""
    if not isinstance(text, str):
        raise out_of_range(where, text, "a JSON schema as text")
    try:
        schema = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        raise InvalidArgument("not valid JSON", where=where) from None
    if not isinstance(schema, dict | bool):
        raise out_of_range(where, schema, "a JSON schema")


def _strict(given: Any) -> frozenset[str]:
    """Tools whose callers insist on arguments that are enforced, as OpenAI writes it."""
    functions = [tool["function"] for tool in given if isinstance(tool, Mapping)]
    return frozenset(function["name"] for function in functions if function.get("strict") is True)


def _choice(given: Any, tools: Sequence[Tool]) -> str:
    where, name = "tool_choice", given
    if isinstance(given, Mapping):
        function = given.get("function")
        name = function.get("name") if isinstance(function, Mapping) else None
        where = "tool_choice.function.name"
        if not isinstance(name, str) or name in _CHOICES:
            raise InvalidArgument(f"got {shown(name)}, allowed the name of a tool", where=where)
    if not isinstance(name, str):
        raise InvalidArgument(f"got {shown(name)}, allowed {_ALLOWED}", where=where)
    if name == "required" and not tools:
        raise InvalidArgument("needs tools", where=where)
    if name not in (*_CHOICES, *(tool.name for tool in tools)):
        raise InvalidArgument("names a tool that is not in tools", where=where)
    return name


def _reasoning(given: Any) -> Reasoning:
    is_whole = isinstance(given, Reasoning)
    reasoning: Reasoning = given if is_whole else Reasoning(given)
    where = "reasoning.effort" if is_whole else "reasoning"
    allowed = get_args(Effort)
    if reasoning.effort is not None and reasoning.effort not in allowed:
        raise out_of_range(where, reasoning.effort, " | ".join(allowed))
    return reasoning


def _budget(given: Any) -> int | None:
    if given is None:
        return None
    allowed = replace(THINKING_BUDGET, name="reasoning.max_tokens")
    budget = int(allowed.check(given))
    return budget if budget >= 0 else None
