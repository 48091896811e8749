# SPDX-License-Identifier: AGPL-3.0-only
"""How much of an agent's prompts is cached, with the real engine and contexts of 32 768 tokens.

The weights are random and a grammar forces the words; template, tokens, cache and counts are real.
The figures are printed. What is asserted is the least that holds.
"""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import pytest

from clients.conftest import Seen
from clients.server import Record, Server
from clients.session_parts import Tokens, replaced
from clients.sessions import Agent

ENGINE_MODEL = "qwen2-32k-q8_0"
TURNS = 20
LEAST = {
    "Claude Code": {
        "the same again": 0.99,
        "another question": 0.99,
        "another day": 0.99,
        "another month": 0.99,
        "another git status": 0.06,
        "later turns": 0.99,
    },
    "Codex": {
        "the same again": 0.99,
        "another question": 0.99,
        "another day": 0.98,
        "another git status": 0.98,
        "later turns": 0.98,
    },
}

PARTS = {
    "Claude Code": (
        ("another day", "date", "Today's date is 2031-05-06."),
        ("another month", "month", "- The current month is May 2031 — use this when searching."),
    ),
    "Codex": (("another day", "date", "  <current_date>2031-05-06</current_date>"),),
}
"""Of each other text: the rule that finds its place, and the text."""


@pytest.fixture(params=LEAST)
def agent(server: Server, request: pytest.FixtureRequest, tmp_path: Path) -> Agent:
    return Agent(request.param, server, tmp_path)


def ask_again(url: str, exchange: Record, rule: str, new: str) -> None:
    """Sends a request as it came, but for some words."""
    body = json.dumps(replaced(exchange["body"], rule, new)).encode()
    headers = {"content-type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url + exchange["path"], body, headers)) as a:
        a.read()


def measured(agent: Agent, seen: Seen) -> dict[str, Tokens]:
    """What the first request of a second session finds cached, by what is different in it."""
    words = "What is the number?"
    (first,) = agent.ask(words)
    shares = {"nothing cached": Tokens(first)}
    shares["the same again"] = Tokens(agent.ask(words)[0])
    shares["another question"] = Tokens(agent.ask("Which port is it?")[0])
    rules, _ = agent.rules()
    for name, part, new in PARTS[agent.name]:
        ask_again(agent.url, first, rules[part], new)
        shares[name] = Tokens(seen.exchanges[-1])
    (agent.place.folder / "new.txt").write_text("x")
    shares["another git status"] = Tokens(agent.ask(words)[0])
    turns = agent.ask("Do this.", TURNS)
    assert len(turns) == TURNS + 1
    shares["later turns"] = min(map(Tokens, turns[1:]), key=lambda tokens: tokens.share)
    shares["last turn"] = Tokens(turns[-1])
    return shares


def test_cached_shares(agent: Agent, seen: Seen, capsys: pytest.CaptureFixture[str]) -> None:
    shares = measured(agent, seen)
    with capsys.disabled():
        print(f"\n{agent.name}")
        for name, tokens in shares.items():
            print(f"  {name:20} {tokens}")
    least = LEAST[agent.name]
    assert {*shares} == {"nothing cached", "last turn", *least}
    assert not {name: str(shares[name]) for name in least if shares[name].share < least[name]}
