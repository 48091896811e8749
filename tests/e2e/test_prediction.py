# SPDX-License-Identifier: AGPL-3.0-only
"""`prediction` through the whole server: the same text from drafts, and how many were of use."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.both_modes

ASKED = [{"role": "user", "content": "Which port does HTTP use?"}]


def answer(guide: Any, **fields: Any) -> tuple[str, dict[str, int], dict[str, Any]]:
    body = guide.chat(ASKED, temperature=0, max_tokens=60, **fields).json
    (choice,) = body["choices"]
    details = body["usage"]["completion_tokens_details"]
    return choice["message"]["content"], details, body["timings"]


def test_a_prediction_changes_the_steps_and_never_the_text(guide: Any) -> None:
    text, details, _ = answer(guide)
    assert (details["accepted_prediction_tokens"], details["rejected_prediction_tokens"]) == (0, 0)
    for content in (text, text.replace("HTTP", "FTP"), "Something else entirely. " * 20):
        again, details, timings = answer(guide, prediction={"type": "content", "content": content})
        assert again == text
        of_it = details["accepted_prediction_tokens"] + details["rejected_prediction_tokens"]
        drafted = timings.get("draft_n", 0)
        assert of_it <= drafted
        if content == text and drafted:
            assert details["accepted_prediction_tokens"] > 0
            assert details["rejected_prediction_tokens"] == 0
