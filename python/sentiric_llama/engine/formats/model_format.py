# SPDX-License-Identifier: AGPL-3.0-only
"""The format of a loaded model: from what a caller wants to what the engine does, and back."""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from sentiric_llama.engine.formats.answer_format import AnswerPlan
from sentiric_llama.engine.formats.find import PROBE, find_format
from sentiric_llama.engine.formats.node import Node, choice, dump, text
from sentiric_llama.engine.formats.reader import AnswerReader
from sentiric_llama.types import Grammar, Message, ModelInfo, Request, ThinkingLimit, Tool
from sentiric_llama.types.wishes import Wishes

_QUESTION = Message("user", "sentiric-probe-question")
_NOTE = Message("system", "sentiric-probe-note")
_QUESTIONS: Mapping[str, tuple[Message, ...]] = {
    "assistant": (_QUESTION, Message("assistant", "sentiric-probe-answer")),
    "tool": PROBE,
    "system": (_NOTE,),
}


class Tail(NamedTuple):
    """How a conversation ends, as far as templates look at it."""

    role: str = "user"
    """Of the last message that is not the system's, if there is one."""
    has_note: bool = False
    """Whether the system's follow it."""

    @classmethod
    def of(cls, messages: Sequence[Message]) -> Tail:
        roles = [message.role for message in messages]
        others = [i for i, role in enumerate(roles) if role not in ("system", "developer")]
        if not others:
            return cls("system" if roles else "user")
        return cls(roles[others[-1]], has_note=others[-1] < len(roles) - 1)

    @property
    def messages(self) -> tuple[Message, ...]:
        """A short conversation that ends like this."""
        base = _QUESTIONS.get(self.role, (_QUESTION,))
        return (*base, _NOTE) if self.has_note else base


USUAL = Tail()
UNLIMITED = 2**31 - 1
MAX_REMEMBERED = 256

_SWITCHES = ("enable_thinking", "thinking")
"""Variables of templates that switch thoughts on and off."""


class ModelFormat:
    """What was found out about a model. Only `remember` changes it, on one thread."""

    def __init__(self, info: ModelInfo, probe: str) -> None:
        """`probe`: what the template makes of `find.PROBE`, or "" if it fails."""
        self._template = info.chat_template
        self.form = find_format(probe, info.chat_template, describes=info.template_tools)
        self.thinks = self.form.thoughts.are_those_of(info.chat_template)
        """Whether the model thinks by itself. Others may be told to."""
        self._opens: OrderedDict[tuple[str, Tail], bool] = OrderedDict()

    def template_arguments(self, given: Mapping[str, Any], wishes: Wishes) -> str:
        """The variables for the template, as JSON; the caller's own win."""
        wanted: dict[str, Any] = {}
        if wishes.thinks is not None:
            wanted |= {name: wishes.thinks for name in _SWITCHES if self._knows(name)}
        if wishes.effort and self._knows("reasoning_effort"):
            wanted["reasoning_effort"] = wishes.effort
        wanted |= given
        return json.dumps(wanted, ensure_ascii=False, sort_keys=True) if wanted else ""

    def _knows(self, variable: str) -> bool:
        return re.search(rf"\b{variable}\b", self._template) is not None

    def question(self, tail: Tail) -> Sequence[Message]:
        """A conversation that ends like this.

        Rendered with a request's template arguments, it tells whether the prompt opens a thought.
        """
        return self.form.describe(tail.messages, ())

    def remembered(self, template_arguments: str, tail: Tail) -> bool | None:
        """Whether a thought is open behind such a conversation; None if it is not known yet."""
        return self._opens.get((template_arguments, tail))

    def remember(self, template_arguments: str, tail: Tail, rendered: str) -> bool:
        """Learns it from the question as rendered. The oldest of too many are forgotten."""
        opens = rendered.rstrip().endswith(self.form.thoughts.begin.strip())
        self._opens[template_arguments, tail] = opens
        while len(self._opens) > MAX_REMEMBERED:
            self._opens.popitem(last=False)
        return opens

    def apply(
        self,
        request: Request,
        wishes: Wishes,
        enforced: Mapping[str, Tool] | None = None,
        *,
        opens: bool = False,
    ) -> tuple[Request, AnswerPlan]:
        """The request as the engine takes it, and how its answer is to be read.

        `opens`: the template opens a thought, as far as the answer is one of its own. `enforced`
        are tools by name with the schemas that are enforced, if they differ from those that the
        model is shown.
        """
        callable_tools = wishes.callable_tools
        if enforced is not None:
            callable_tools = [enforced[tool.name] for tool in callable_tools]
        plan = AnswerPlan(
            tools=tuple(callable_tools),
            calling=wishes.calling if wishes.tools else "none",
            parallel=wishes.parallel,
            body=_body(request.grammar),
            may_think=not request.continues and (self.thinks or wishes.is_told_to_think),
            is_thought_open=opens and not request.continues,
        )
        in_template = self.form.calls.in_template
        messages = self.form.describe(request.messages, wishes.tools)
        changed = replace(
            request,
            messages=messages,
            tools=wishes.tools if in_template else (),
            shown_tokens=self.form.shown if self.reads(plan) else (),
            call_marks=self.form.calls.marks if plan.may_call else (),
            call_opening=self.form.calls.begins_answer if plan.may_call else "",
            thinking=self._limit(plan, wishes),
        )
        if plan.tools or (plan.body is not None and plan.may_think):
            node = self.form.structure(plan)
            grammar = Grammar("structure", dump(node)) if node else None
            changed = replace(changed, grammar=grammar)
        return changed, plan

    def reads(self, plan: AnswerPlan) -> bool:
        """Whether an answer may hold more than text."""
        return plan.may_call or plan.may_think

    def reader(self, plan: AnswerPlan) -> AnswerReader | None:
        """The reader of one answer; None if all of it is text."""
        return AnswerReader(self.form, plan) if self.reads(plan) else None

    def _limit(self, plan: AnswerPlan, wishes: Wishes) -> ThinkingLimit | None:
        thoughts = self.form.thoughts
        if not plan.may_think:
            return None
        budget = UNLIMITED if wishes.thinking_budget is None else wishes.thinking_budget
        return ThinkingLimit(
            begin=thoughts.begin,
            end=thoughts.end,
            closing=thoughts.closing,
            max_tokens=0 if wishes.thinks is False else budget,
            is_open=plan.is_thought_open,
        )


def _body(grammar: Grammar | None) -> Node | None:
    """What the text must be, as a node."""
    if grammar is None or grammar.kind == "none":
        return None
    if grammar.kind in ("json_schema", "json_object"):
        return {"schema": grammar.text or '{"type":"object"}'}  # as text, which keeps its digits
    if grammar.kind == "regex":
        return {"regex": grammar.text}
    if grammar.kind == "choice":
        return choice([text(item) for item in json.loads(grammar.text)])
    if grammar.kind == "structure":
        node: Node = json.loads(grammar.text)
        return node
    return {"gbnf": grammar.text}
