# SPDX-License-Identifier: AGPL-3.0-only
"""Messages, tools and reasoning of gRPC requests."""

from __future__ import annotations

import json
from typing import Any, NoReturn, get_args

from sentiric_llama import _host
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.rpc.generated import engine_pb2
from sentiric_llama.types import Message, Tool, ToolCall
from sentiric_llama.types.ranges import THINKING_BUDGET, out_of_range
from sentiric_llama.types.wishes import MAX_CALLS, MAX_TOOL_NAME, MAX_TOOLS, Effort, Wishes

MAX_DEPTH = 32
MAX_ITEMS = 65_536
MAX_DIGITS = 128
"""Of one JSON text in a message."""


def to_message(turn: Any, where: str) -> Message:
    """A message of either service; those of LlamaService have a role and a content.

    Raises InvalidArgument below `where`.
    """
    if not isinstance(turn, engine_pb2.ChatMessage):
        return Message(turn.role, turn.content)
    if len(turn.tool_calls) > MAX_CALLS:
        raise out_of_range(
            f"{where}.tool_calls", list(turn.tool_calls), f"at most {MAX_CALLS} calls"
        )
    if turn.role == "tool" and not turn.tool_call_id:
        what = "a tool message must name the call that it answers"
        raise InvalidArgument(what, where=f"{where}.tool_call_id")
    return Message(
        turn.role,
        turn.content,
        reasoning=turn.reasoning,
        tool_calls=tuple(ToolCall(c.id, c.name, c.arguments) for c in turn.tool_calls),
        tool_call_id=turn.tool_call_id if turn.role == "tool" else "",
        name=turn.name,
    )


def parse_wishes(request: engine_pb2.ChatRequest) -> Wishes:
    """Tools and reasoning. Raises InvalidArgument with the field in `where`."""
    effort = request.reasoning_effort if request.HasField("reasoning_effort") else None
    if effort is not None and effort not in get_args(Effort):
        raise out_of_range("reasoning_effort", effort, " | ".join(get_args(Effort)))
    wishes = Wishes(
        tools=_tools(request),
        tool_choice=request.tool_choice or "auto",
        parallel=request.parallel_tool_calls or not request.HasField("parallel_tool_calls"),
        strict=frozenset(tool.name for tool in request.tools if tool.strict),
        thinks=None if effort is None else effort != "none",
        effort="" if effort in (None, "none") else str(effort),
        thinking_budget=_budget(request),
    )
    if wishes.tool_choice == "required" and not wishes.tools:
        raise InvalidArgument("needs tools", where="tool_choice")
    _ = wishes.callable_tools
    return wishes


def _tools(request: engine_pb2.ChatRequest) -> tuple[Tool, ...]:
    if len(request.tools) > MAX_TOOLS:
        raise out_of_range("tools", list(request.tools), f"at most {MAX_TOOLS} tools")
    names: set[str] = set()
    for index, tool in enumerate(request.tools):
        where = f"tools.{index}"
        if not 1 <= len(tool.name) <= MAX_TOOL_NAME:
            raise out_of_range(f"{where}.name", tool.name, f"1..{MAX_TOOL_NAME} characters")
        if tool.name in names:
            raise InvalidArgument("two tools have this name", where=f"{where}.name")
        names.add(tool.name)
        _check_schema(tool.parameters, f"{where}.parameters")
    return tuple(Tool(tool.name, tool.description, tool.parameters) for tool in request.tools)


def _check_schema(text: str, where: str) -> None:
    schema = _json(text, where) if text else {}
    if not isinstance(schema, dict | bool):
        raise out_of_range(where, schema, "a JSON schema")


def _json(text: str, where: str) -> Any:
    """JSON within the limits of a body over HTTP."""
    scan = _host.scan_json(text.encode(), depth=MAX_DEPTH, items=MAX_ITEMS, number_bytes=MAX_DIGITS)
    if scan.passed is not None:
        what = f"too deep, too large or with too long a number; allowed {MAX_DEPTH} levels, "
        raise InvalidArgument(f"{what}{MAX_ITEMS} values and {MAX_DIGITS} digits", where=where)
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise InvalidArgument("not valid JSON", where=where) from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _budget(request: engine_pb2.ChatRequest) -> int | None:
    if not request.HasField("thinking_budget"):
        return None
    budget = int(THINKING_BUDGET.check(request.thinking_budget))
    return budget if budget >= 0 else None


def parse_template_arguments(text: str) -> dict[str, Any]:
    """Variables for the chat template. Raises InvalidArgument unless they are a JSON object."""
    where = "template_arguments"
    found = _json(text, where) if text else {}
    if not isinstance(found, dict):
        raise out_of_range(where, found, "an object")
    return found
