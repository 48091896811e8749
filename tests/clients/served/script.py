# SPDX-License-Identifier: AGPL-3.0-only
"""The model: what it says depends on nothing but the request.

It makes the calls that the user's text asks for, one turn a line: `CALL name {arguments}`; a line
that begins with `AND` joins the turn before it. Without such lines it calls one tool, with
arguments made up from its schema. When all is called, it answers `Done: ` and the results. Without
tools it writes what the grammar asks for, or repeats the question.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from clients.served.conversation import Call, Conversation
from clients.served.grammar_of import Rules
from clients.served.samples import sample
from sentiric_llama.types import Request

THOUGHT = "I think about it."
AGENT = 4
"""Whoever has more tools than that is an agent, and is told what to call."""
LONGEST = 200
"""Of a question, when it is repeated."""


def answer(request: Request) -> str:
    """The whole text, thoughts and calls included."""
    limit = request.thinking
    if limit is None or limit.max_tokens == 0:
        return _said(request)
    begin = "" if limit.is_open else "<think>\n"
    return f"{begin}{THOUGHT}\n</think>\n\n{_said(request)}"


def _said(request: Request) -> str:
    rules, talk = Rules(request), Conversation(request)
    if calls := _next_calls(request, rules, talk):
        return _written(calls)
    if (schema := rules.schema) is not None:
        if "properties" not in schema and "$ref" not in schema:
            schema = _described(request) or schema
        return json.dumps(sample(schema), ensure_ascii=False)
    if talk.results:
        return "Done: " + " | ".join(talk.results)
    if schema := _described(request):
        return json.dumps(sample(schema), ensure_ascii=False)
    return "You said: " + talk.words[-LONGEST:]


def _next_calls(request: Request, rules: Rules, talk: Conversation) -> Sequence[Call]:
    if not request.tools or not rules.allows_calls:
        return ()
    script = talk.script
    if talk.turns < len(script):
        return script[talk.turns]
    is_free = rules.allows_text
    if is_free and (script or talk.turns or len(request.tools) > AGENT):
        return ()
    allowed = [tool for tool in request.tools if rules.allows_call_of(tool.name)]
    tool = (allowed or request.tools)[0]
    return [(tool.name, sample(json.loads(tool.parameters or "{}")))]


def _written(calls: Sequence[Call]) -> str:
    objects = (
        json.dumps({"name": name, "arguments": arguments}, ensure_ascii=False)
        for name, arguments in calls
    )
    return "\n".join(f"<tool_call>\n{text}\n</tool_call>" for text in objects)


def _described(request: Request) -> Any:
    """A JSON schema that a prompt asks for in words."""
    for message in request.messages:
        begin = message.content.find('{\n  "')
        if message.role not in ("system", "user") or begin < 0:
            continue
        try:
            found, _ = json.JSONDecoder().raw_decode(message.content[begin:])
        except ValueError:
            continue
        if "properties" in found:
            return found
    return None
