# SPDX-License-Identifier: AGPL-3.0-only
"""Conversations longer than the context: the system prompt stays, and the guide can prove it.

The guide answers from what is in its KV cache. So it is told a code, made to talk for more than
four contexts, and asked: a code from the system prompt is still there, one from a turn is not.
"""

from __future__ import annotations

from itertools import cycle

import pytest

from engine_tools import GREEDY
from sentiric_llama.engine.blocking import Engine
from sentiric_llama.errors import ContextLengthExceeded
from sentiric_llama.types import Completion

SIZE = 256  # of the guide's contexts here
CODES = ["4172", "9035", "6681", "2750"]
QUESTIONS = [
    "Who are you?",
    "What port is the HTTP API on?",
    "How can I turn on JSON mode?",
    "What format must a model have?",
    "How can I set the seed?",
    "Which languages do you understand?",
]

Turn = dict[str, str]


def say(role: str, content: str) -> Turn:
    return {"role": role, "content": content}


def recalls(guide: Engine, messages: list[Turn], code: str) -> bool:
    return guide.chat(messages, GREEDY, max_tokens=60).text == f"The door code is {code}."


def talk(guide: Engine, messages: list[Turn], total: int) -> list[Completion]:
    """Asks until the answers are `total` tokens."""
    answers: list[Completion] = []
    for question in cycle(QUESTIONS):
        if sum(answer.usage.completion_tokens for answer in answers) >= total:
            break
        messages.append(say("user", question))
        answers.append(guide.chat(messages, GREEDY, max_tokens=100))
        messages.append(say("assistant", answers[-1].text))
    return answers


def test_four_contexts_of_conversation_and_the_system_prompt_is_known(guide: Engine) -> None:
    """Right for three of four codes at least: the model is tiny."""
    recalled = 0
    for code in CODES:
        messages = [say("system", f"The door code is {code}.")]
        answers = talk(guide, messages, total=4 * SIZE)
        assert sum(answer.usage.completion_tokens for answer in answers) >= 4 * SIZE
        assert {answer.finish_reason for answer in answers} == {"stop"}
        assert all(answer.usage.prompt_tokens < SIZE for answer in answers)
        turns = [answer.truncation.dropped_turns for answer in answers]
        assert turns == sorted(turns)
        assert turns[-1] > 0
        assert answers[-1].truncation.dropped_tokens > 2 * SIZE
        assert any(answer.truncation.shifted_tokens > 0 for answer in answers)
        recalled += recalls(guide, [*messages, say("user", "What is the door code?")], code)
    assert recalled >= 3


def test_what_was_said_in_a_dropped_turn_is_gone(guide: Engine) -> None:
    """The other half of the proof: it is the system prompt that the guide reads it from."""
    messages = [say("user", "The door code is 4172."), say("assistant", "Noted.")]
    assert recalls(guide, [*messages, say("user", "What is the door code?")], "4172")
    talk(guide, messages, total=4 * SIZE)
    messages.append(say("user", "What is the door code?"))
    assert "4172" not in guide.chat(messages, GREEDY, max_tokens=60).text


def test_dropped_turns_are_those_that_are_missing(guide: Engine) -> None:
    """A truncated conversation is the same prompt as one without its oldest turns."""
    messages = [say("system", "The door code is 4172.")]
    talk(guide, messages, total=2 * SIZE)
    messages.append(say("user", "What is the door code?"))
    cut = guide.chat(messages, GREEDY, max_tokens=40)
    turns = cut.truncation.dropped_turns
    assert turns > 0
    shorter = [messages[0], *messages[1 + 2 * turns :]]
    whole = guide.chat(shorter, GREEDY, max_tokens=40)
    assert whole.tokens == cut.tokens
    assert not whole.truncation.truncated
    assert len(guide.tokenize_chat(shorter)) == cut.usage.prompt_tokens
    everything = len(guide.tokenize_chat(messages))
    assert everything - cut.usage.prompt_tokens == cut.truncation.dropped_tokens


def test_with_the_error_policy_nothing_is_dropped(guide: Engine) -> None:
    messages = [say("system", "The door code is 4172.")]
    talk(guide, messages, total=2 * SIZE)
    messages.append(say("user", "What is the door code?"))
    with pytest.raises(ContextLengthExceeded):
        guide.chat(messages, GREEDY, truncation="error")


@pytest.mark.parametrize("policy", ["drop_turns", "shift"])
def test_a_system_prompt_that_does_not_fit_is_an_error(guide: Engine, policy: str) -> None:
    messages = [say("system", "The door code is 4172. " * 60), say("user", "Hello")]
    with pytest.raises(ContextLengthExceeded):
        guide.chat(messages, GREEDY, truncation=policy)  # type: ignore[arg-type]


def test_shifting_the_prompt_keeps_the_system_prompt(guide: Engine) -> None:
    """What is evaluated: the block of the system prompt, then the newest tokens."""
    messages = [say("system", "The door code is 4172.")]
    talk(guide, messages, total=2 * SIZE)
    messages.append(say("user", "What is the door code?"))
    cut = guide.chat(messages, GREEDY, truncation="shift", max_tokens=2)
    everything = guide.tokenize_chat(messages)
    assert cut.usage.prompt_tokens == SIZE - 1
    assert cut.truncation.dropped_tokens == len(everything) - (SIZE - 1)
    assert cut.truncation.dropped_turns == 0
    block = everything[: everything.index(guide.info.eos) + 2]  # its end and the line break
    same = [*block, *everything[len(block) - (SIZE - 1) :]]
    with guide.stream(same, GREEDY, max_tokens=2) as stream:
        assert tuple(token for delta in stream for token in delta.tokens) == cut.tokens


# One generation. A grammar fixes what is said for more than four contexts and then asks for four
# digits; which digits is the model's choice, and it can only copy them from the system prompt.

FILLERS = [
    "The service runs one model with several contexts.",
    "I am the guide, a tiny demo model built into this service.",
]


def digits_after_filler(guide: Engine, messages: list[Turn], filler: str) -> str:
    grammar = f'root ::= "{filler}\\n"{{120}} "The door code is " [0-9]{{4}}'
    completion = guide.chat(messages, GREEDY, grammar=grammar, max_tokens=20 * SIZE)
    assert completion.finish_reason == "stop"
    assert completion.usage.completion_tokens > 4 * SIZE
    assert completion.truncation.shifted_tokens >= 4 * SIZE
    return completion.text[-4:]


@pytest.mark.parametrize("filler", FILLERS, ids=["contexts", "who"])
def test_one_generation_of_four_contexts_keeps_the_system_prompt(
    guide: Engine, filler: str
) -> None:
    """Three of four codes: the model is tiny, and chance has one in ten thousand."""
    known = forgotten = 0
    for code in CODES:
        fact = f"The door code is {code}."
        messages = [say("system", fact), say("user", "Hello")]
        known += digits_after_filler(guide, messages, filler) == code
        messages = [say("system", "You are a helpful assistant."), say("user", fact)]
        forgotten += digits_after_filler(guide, messages, filler) != code
    assert known >= 3
    assert forgotten == len(CODES)
