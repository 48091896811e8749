# SPDX-License-Identifier: AGPL-3.0-only
"""What `health` says of a server: every state that one has, in the language of the texts."""

from __future__ import annotations

import pytest

from sentiric_llama.commands.watch.health import STATUSES, summary
from sentiric_llama.http.routes.health import _STATUS
from sentiric_llama.locale import messages
from sentiric_llama.service.readiness import Readiness


def test_every_state_has_a_word() -> None:
    states = {*_STATUS.values(), *(state.value for state in Readiness), "alive", "unknown"}
    assert {state.upper() for state in states} == set(STATUSES)


@pytest.mark.parametrize(
    ("language", "line"),
    [("en", "HEALTHY, 3 of 4 contexts free"), ("tr", "SAĞLIKLI, 4 bağlamdan 3 boş")],
)
def test_a_line(language: str, line: str) -> None:
    body: dict[str, object] = {"status": "healthy", "capacity": {"available": 3, "total": 4}}
    messages.set_language(language)
    try:
        assert summary(body) == line
    finally:
        messages.set_language("en")
    assert summary({"status": "of another kind"}) == "OF ANOTHER KIND"
