# SPDX-License-Identifier: AGPL-3.0-only
"""Templates render long conversations, within a bound on work that says what to do about it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import models
from sentiric_llama.engine.blocking import Engine
from sentiric_llama.errors import TemplateFailed
from sentiric_llama.types import Message

PLAIN = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"
LOOKS_BACK = (
    "{% for m in messages %}{% for other in messages %}{% for last in messages[-40:] %}"
    "{% if last.content == other.content %}{% endif %}{% endfor %}{% endfor %}"
    "<{{ m.role }}>{{ m.content }}{% endfor %}"
)
"""Its work grows with the square of the number of messages."""


def opened(template: str) -> Engine:
    path = str(models.model("small-q8_0"))
    return Engine(path, contexts=1, context_size=256, chat_template=template, compute_threads=1)


def messages(count: int) -> list[Message]:
    return [Message("assistant" if i % 2 else "user", f"text {i}") for i in range(count)]


@pytest.fixture(scope="module")
def looking_back() -> Iterator[Engine]:
    with opened(LOOKS_BACK) as engine:
        yield engine


def test_as_many_messages_as_there_may_be() -> None:
    with opened(PLAIN) as engine:
        conversation = [Message("system", "brief"), *messages(2047)]
        assert engine.render_chat(conversation).count("<") == 2048


def test_a_template_that_looks_back_ends_within_its_bound(looking_back: Engine) -> None:
    assert looking_back.render_chat(messages(9)).count("<") == 9
    with pytest.raises(TemplateFailed) as caught:
        looking_back.render_chat(messages(501))
    assert caught.value.where == "chat_template"
    limit = "the template exceeded a limit: took too long"
    assert caught.value.what == f"{limit}; send fewer than the 501 messages"
    assert looking_back.render_chat(messages(9)).count("<") == 9, "the next one is as before"
