# SPDX-License-Identifier: AGPL-3.0-only
"""Greedy decodes that do not change: recorded tokens of a tiny model, meaning of the guide's."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine_tools import GREEDY, prompt_tokens, read
from sentiric_llama.engine.blocking import Engine

# Made by running this test, which shows the tokens it got. The prompt is one at which the best
# token always leads clearly (see the last test), so that another CPU's rounding decides nothing.
GOLDEN_PROMPT = prompt_tokens(12, seed=143)
GOLDEN = [
    *(18369, 9884, 398, 3903, 13891, 20080, 30715, 9884),
    *(5503, 28290, 31276, 4047, 11526, 3716, 30098, 1823),
]  # fmt: skip

QUESTIONS = Path(__file__).parents[3] / "python" / "guide_training" / "heldout.json"
HELD_OUT = json.loads(QUESTIONS.read_text("utf-8"))


def test_golden_tokens_of_the_tiny_model(tiny: Engine) -> None:
    stream = tiny.stream(GOLDEN_PROMPT, GREEDY, max_tokens=len(GOLDEN), ignore_eos=True)
    assert read(stream) == GOLDEN


def test_golden_tokens_lead_clearly(tiny: Engine) -> None:
    rows = tiny.logits([*GOLDEN_PROMPT, *GOLDEN[:-1]])[len(GOLDEN_PROMPT) - 1 :]
    assert rows.argmax(axis=1).tolist() == GOLDEN
    best_two = np.sort(rows, axis=1)[:, -2:]
    assert np.diff(best_two, axis=1).min() > 0.03


@pytest.mark.parametrize("language", ["en", "tr"])
def test_the_guide_answers_questions_it_was_not_trained_on(guide: Engine, language: str) -> None:
    """The list holds questions that the file answers well; another CPU may lose one of them."""
    asked = [item for item in HELD_OUT if item["language"] == language]
    assert len(asked) >= 3
    wrong = [item["question"] for item in asked if not answers_well(guide, item)]
    assert len(wrong) <= math.ceil(0.1 * len(asked)), wrong


def answers_well(guide: Engine, item: dict[str, Any]) -> bool:
    answer = guide.chat([{"role": "user", "content": item["question"]}], GREEDY, max_tokens=128)
    is_good = all(piece in answer.text for piece in item["needed"])
    return is_good and answer.finish_reason == "stop"


@pytest.mark.parametrize(
    ("messages", "answer"),
    [
        ([("user", "Who are you?")], "I am the guide, a tiny demo model built into this service."),
        ([("user", "What port is the HTTP API on?")], "16070"),
        (
            [("system", "The door code is 4172."), ("user", "What is the door code?")],
            "The door code is 4172.",
        ),
        (
            [
                ("user", "The door code is 4172."),
                ("assistant", "Noted."),
                ("user", "The door code?"),
            ],
            "4172",
        ),
    ],
    ids=["itself", "fact", "system-prompt", "earlier-turn"],
)
def test_golden_answers_of_the_guide(
    guide: Engine, messages: list[tuple[str, str]], answer: str
) -> None:
    turns = [{"role": role, "content": content} for role, content in messages]
    completion = guide.chat(turns, GREEDY, max_tokens=128)
    assert completion.text.startswith(answer) or answer in completion.text
    assert completion.finish_reason == "stop"
    assert guide.chat(turns, GREEDY, max_tokens=128).text == completion.text
