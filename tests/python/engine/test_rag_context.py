# SPDX-License-Identifier: AGPL-3.0-only
"""What the next turn finds in the prefix cache after one with `rag_context`; docs/http.md."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine_tools import GREEDY
from sentiric_llama.engine.blocking import Engine
from sentiric_llama.service.chat_call import ChatCall, build_messages
from sentiric_llama.settings.config import Settings
from sentiric_llama.types import Message

SETTINGS = Settings(default_system_prompt="You are the voice of a hotel.")
TEXT = "Breakfast is from 7 to 10 in the garden room. The gym is on floor 3. " * 3
QUESTIONS = ["When is breakfast?", "And the gym?", "Where is the pool?", "What does it cost?"]

Turns = list[Message]
Ask = Callable[[Turns, Message, int], ChatCall]


def evaluated(guide: Engine, ask: Ask, *, keeps_what_was_sent: bool = False) -> list[int]:
    """Prompt tokens that each turn of a conversation had to compute."""
    history: Turns = []
    counts = []
    for number, text in enumerate(QUESTIONS):
        question = Message("user", text)
        messages = build_messages(ask(history, question, number), SETTINGS)
        turns = [{"role": message.role, "content": message.content} for message in messages]
        answer = guide.chat(turns, GREEDY, max_tokens=16)
        counts.append(answer.usage.prompt_tokens - answer.usage.cached_tokens)
        history = list(messages[1:]) if keeps_what_was_sent else [*history, question]
        history.append(Message("assistant", answer.text))
    return counts


@pytest.fixture(scope="module")
def guide() -> Engine:
    return Engine.from_pretrained("guide", contexts=1, context_size=1024)


def text_of(number: int) -> str:
    return f"{TEXT} The shuttle leaves at {number + 6} o'clock."


def with_context(history: Turns, question: Message, number: int) -> ChatCall:
    return ChatCall((*history, question), rag_context=text_of(number))


def in_system_prompt(history: Turns, question: Message, _number: int) -> ChatCall:
    return ChatCall((Message("system", text_of(0)), *history, question))


def test_a_context_of_each_turn_costs_itself_and_the_last_turn(guide: Engine) -> None:
    """However long the conversation is."""
    size = len(guide.tokenize(text_of(0)))
    _, *later = evaluated(guide, with_context)
    assert all(size < count < size + 140 for count in later)
    assert max(later) - min(later) < 40


def test_a_text_of_the_whole_conversation_belongs_into_the_system_prompt(guide: Engine) -> None:
    _, *later = evaluated(guide, in_system_prompt)
    assert max(later) < 40


def test_a_client_that_keeps_what_was_sent_computes_nothing_twice(guide: Engine) -> None:
    size = len(guide.tokenize(text_of(0)))
    _, *later = evaluated(guide, with_context, keeps_what_was_sent=True)
    assert max(later) < size + 80
