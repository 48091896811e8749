# SPDX-License-Identifier: AGPL-3.0-only
"""What agents change from session to session: that, and nothing else, costs cached prefixes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from clients.server import Server
from clients.session_parts import found, texts, without
from clients.sessions import NAMES, Agent

EAST, WEST = {"TZ": "Pacific/Kiritimati"}, {"TZ": "Pacific/Pago_Pago"}
"""They never have the same date: 25 hours lie between their clocks."""


@pytest.fixture(params=NAMES)
def agent(server: Server, request: pytest.FixtureRequest, tmp_path: Path) -> Agent:
    return Agent(request.param, server, tmp_path)


def test_what_changes_is_known(agent: Agent) -> None:
    """Two sessions differ in the question and in the parts that are listed, in nothing else."""
    rules, _ = agent.rules()
    east = agent.ask("Hello there", **EAST)[0]["body"]
    (agent.place.folder / "new.txt").write_text("x")
    west = agent.ask("Hello there", **WEST)[0]["body"]
    assert found(east, rules) == found(west, rules) == list(rules)
    assert list(texts(east)) != list(texts(west))
    assert without(east, rules) == without(west, rules)


def test_what_changes_with_the_folder_is_known(
    agent: Agent, server: Server, tmp_path: Path
) -> None:
    other = Agent(agent.name, server, tmp_path / "other")
    rules: dict[str, str] = {**agent.rules()[0], **agent.rules()[1]}
    one, two = (each.ask("Hello there")[0]["body"] for each in (agent, other))
    assert found(one, rules) == list(rules)
    assert without(one, rules) == without(two, rules)
    assert os.fspath(tmp_path) not in "".join(without(one, rules))


def test_question_comes_before_what_never_changes(server: Server, tmp_path: Path) -> None:
    """Why another question costs Claude Code 7 %: a constant message stands behind it."""
    agent = Agent("Claude Code", server, tmp_path)
    bodies: list[Any] = [agent.ask(words)[0]["body"] for words in ("Hello there", "Good bye")]
    one, two = (body["messages"] for body in bodies)
    assert [message["role"] for message in one] == ["user", "system"]
    assert one[1] == two[1] and len(json.dumps(one[1])) > 4000
