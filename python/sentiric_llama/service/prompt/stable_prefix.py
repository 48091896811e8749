# SPDX-License-Identifier: AGPL-3.0-only
"""Keeps what differs from session to session of an agent out of the beginning of its prompt.

Sessions share the cells of a common prefix, so a date near the front costs all that follows. Each
rule is listed in docs/tools.md. What says nothing to a model is dropped; a date goes to the end of
the first turn, where it stays from then on. Nothing else changes its place but constant system
messages, which go in front of the question that differs.

An agent is known by its system prompt alone: what its users write changes nothing for it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from sentiric_llama.service.chat_call import ChatCall
from sentiric_llama.types import Message, Tool

_BILLING = re.compile(r"x-anthropic-billing-header:(?: \w+=[\w.+-]*;)+ *(?:\n|$)")
"""The line that Claude Code puts in front of its system prompt, other for each session."""
_AGENTS = ("You are Claude Code,", "You are a Claude agent,")
"""How its system prompt begins without that line."""

REMINDER, END_OF_REMINDER = "<system-reminder>\n", "</system-reminder>"
_DATE = re.compile(r"^# currentDate\n(Today's date is \d{4}-\d{2}-\d{2}\.)\n", re.MULTILINE)
_MONTH = re.compile(r"^- (The current month is \w+ \d{4}\b[^\n]*)\n", re.MULTILINE)


Rule = Literal["billing", "date", "month", "reminder"]


@dataclass(frozen=True, slots=True)
class Change:
    """What a rule did to a conversation. `where` is a place in the call: "messages[0].content"."""

    rule: Rule
    where: str
    text: str
    """What was dropped, or stands at the end of the first turn. "" for a message that moved."""


@dataclass(slots=True)
class _Draft:
    messages: list[Message]
    order: list[int]
    """The number of each message in the call."""
    changes: list[Change] = field(default_factory=list)

    def note(self, rule: Rule, at: str, text: str) -> None:
        self.changes.append(Change(rule, at, text))


class Stable(NamedTuple):
    """A call as it is rendered."""

    call: ChatCall
    changes: list[Change]
    order: Sequence[int]
    """The number that each of its messages has in the call that was made."""


def stable(call: ChatCall) -> Stable:
    """The call as it is rendered, and what was changed. Depends on the call alone."""
    if not call.messages:
        return Stable(call, [], ())
    draft = _Draft(list(call.messages), list(range(len(call.messages))))
    is_agent = _drop_billing(draft) or draft.messages[0].content.startswith(_AGENTS)
    tools: Sequence[Tool] = call.wishes.tools
    first = next((i for i, m in enumerate(draft.messages) if m.role == "user"), None)
    begins = first is not None and draft.messages[first].content.startswith(REMINDER)
    if is_agent and begins and first is not None:
        dates = _take_date(draft, first)
        tools, months = _take_months(draft, tools)
        last = _move_reminders(draft, first)
        if told := dates + months:
            _append(draft, last, told)
    if not draft.changes:
        return Stable(call, [], draft.order)
    wishes = replace(call.wishes, tools=tuple(tools))
    made = replace(call, messages=tuple(draft.messages), wishes=wishes)
    return Stable(made, draft.changes, draft.order)


def _drop_billing(draft: _Draft) -> bool:
    """The first line of the system prompt, if it is about billing."""
    message = draft.messages[0]
    found = _BILLING.match(message.content)
    if message.role != "system" or found is None:
        return False
    draft.messages[0] = replace(message, content=message.content[found.end() :])
    draft.note("billing", "messages[0].content", found[0].rstrip("\n"))
    return True


def _take_date(draft: _Draft, first: int) -> list[str]:
    """The line of the date, from the context in front of the first question."""
    message = draft.messages[first]
    context, end, rest = message.content.partition(END_OF_REMINDER)
    found = _DATE.search(context)
    if found is None or not end:
        return []
    context = context[: found.start()] + context[found.end() :]
    draft.messages[first] = replace(message, content=context + end + rest)
    draft.note("date", f"messages[{first}].content", found[1])
    return [found[1]]


def _take_months(draft: _Draft, tools: Sequence[Tool]) -> tuple[list[Tool], list[str]]:
    """The month, from the descriptions of tools."""
    kept, months = [], []
    for index, tool in enumerate(tools):
        found = _MONTH.search(tool.description + "\n")
        if found is None:
            kept.append(tool)
            continue
        text = tool.description + "\n"
        description = (text[: found.start()] + text[found.end() :]).removesuffix("\n")
        kept.append(replace(tool, description=description))
        months.append(found[1])
        draft.note("month", f"tools[{index}].description", months[-1])
    return kept, list(dict.fromkeys(months))


def _move_reminders(draft: _Draft, first: int) -> int:
    """Puts system messages of the first turn in front of its question; returns its last message."""
    messages = draft.messages
    end = next((i for i in range(first, len(messages)) if messages[i].role == "assistant"), None)
    turn = messages[first:end]
    system = [message for message in turn if message.role == "system"]
    if system:
        for index, message in enumerate(turn, first):
            if message.role == "system":
                draft.note("reminder", f"messages[{index}].content", "")
        numbers = range(first, first + len(turn))
        order = sorted(numbers, key=lambda number: messages[number].role != "system")
        draft.order[first : first + len(turn)] = order  # nothing has moved before
        messages[first : first + len(turn)] = [messages[number] for number in order]
    return first + len(turn) - 1


def _append(draft: _Draft, index: int, lines: Sequence[str]) -> None:
    message = draft.messages[index]
    text = "\n".join(lines)
    told = f"{message.content}\n\n{REMINDER}{text}\n{END_OF_REMINDER}"
    draft.messages[index] = replace(message, content=told)
