# SPDX-License-Identifier: AGPL-3.0-only
"""Codex (`codex exec`) with its own tools, over many turns."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from clients.agents import PNG, Codex, Place, said, script
from clients.conftest import Seen
from clients.server import Server

TRUSTED = Codex.TRUSTED
PATCH = "*** Begin Patch\n*** Add File: new.txt\n+hello\n*** End Patch\n"


@pytest.fixture
def codex(server: Server, place: Place) -> Codex:
    return Codex(server.url, place)


def shell(command: str) -> tuple[str, Any]:
    return "exec_command", {"cmd": command}


def thoughts(events: list[dict[str, Any]]) -> str:
    """What Codex shows of them."""
    items = [event["item"] for event in events if event["type"] == "item.completed"]
    return "\n".join(item["text"] for item in items if item["type"] == "reasoning")


def results(seen: Seen) -> list[str]:
    """What the tools of the last request answered."""
    return [m["content"] for m in seen.asked[-1]["messages"] if m["role"] == "tool"]


def outputs(seen: Seen) -> list[str]:
    """The same without what Codex says about the process."""
    return [text.partition("Output:\n")[2].strip() for text in results(seen)]


def test_answer(codex: Codex, seen: Seen) -> None:
    assert said(codex.ask("Hello there")) == "You said: Hello there"
    headers = seen.exchanges[-1]["answer_headers"]
    assert headers["x-ignored-tools"] == "web_search"


def test_thoughts_are_shown_and_come_back(codex: Codex, seen: Seen) -> None:
    """It asks for a summary; `none` is its own word for asking for nothing."""
    effort = (
        "-c",
        'model_reasoning_effort="high"',
        "-c",
        "model_supports_reasoning_summaries=true",
    )
    events = codex.ask(TRUSTED, *effort, script([shell("echo one")]))
    assert "I think about it." in thoughts(events)
    assert any(m.get("reasoning") == "I think about it." for m in seen.asked[1]["messages"])
    none = ("-c", 'model_reasoning_summary="none"')
    assert not thoughts(codex.ask(TRUSTED, *effort, *none, "Hello there"))


def test_twenty_turns(codex: Codex, place: Place, seen: Seen) -> None:
    turns = [
        [shell("echo $((6*7))-from-shell")],
        [shell("cat notes.txt"), shell("echo beside")],
        [shell("sed -i s/1234/5678/ notes.txt")],
        [shell("echo broken; exit 3")],
        [shell(f"apply_patch <<'EOF'\n{PATCH}EOF\n")],
        [shell("no-such-command")],
        [shell(f"echo {letter}") for letter in "pqr"],
        *([shell(f"echo turn-{number}")] for number in range(13)),
    ]
    said(codex.ask(TRUSTED, script(*turns)))
    assert len(turns) == 20 and len(seen.asked) == 21
    assert place.notes.read_text() == "the number is 5678\n"
    assert (place.folder / "new.txt").read_text() == "hello\n"
    got = outputs(seen)
    assert len(got) == sum(map(len, turns))
    assert got[0] == "42-from-shell" and got[-1] == "turn-12"
    assert "exited with code 3" in results(seen)[4] and got[4] == "broken"
    assert sorted(got[7:10]) == ["p", "q", "r"]
    for before, after in itertools.pairwise(seen.asked):
        assert after["messages"][: len(before["messages"])] == before["messages"]
        assert after["tools"] == before["tools"]


def test_resumed(codex: Codex, seen: Seen) -> None:
    codex.ask(TRUSTED, script([shell("echo one")]))
    said(codex.ask("resume", "--last", TRUSTED, script([shell("echo two")])))
    assert outputs(seen) == ["one", "two"]


def test_subagent(codex: Codex, seen: Seen) -> None:
    name = "multi_agent_v1__spawn_agent"
    codex.ask(TRUSTED, script([(name, {"message": "Hello sub"})]))
    assert any("Hello sub" in each["messages"][-1]["content"] for each in seen.asked)
    ended = [m["content"] for each in seen.asked for m in each["messages"] if m["role"] == "tool"]
    assert "agent_id" in ended[0]


def test_schema_of_the_answer(codex: Codex, place: Place) -> None:
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["name", "age"],
        "additionalProperties": False,
    }
    (place.folder / "schema.json").write_text(json.dumps(schema))
    asked = script([shell("echo one")])
    events = codex.ask(TRUSTED, "--output-schema", "schema.json", asked)
    assert json.loads(said(events)) == {"name": "Ada", "age": 36}


def test_picture_that_a_tool_reads(codex: Codex, place: Place, seen: Seen) -> None:
    """A text stands for it, and the session can go on, also later."""
    picture = place.folder / "dot.png"
    picture.write_bytes(PNG)
    said(codex.ask(TRUSTED, script([("view_image", {"path": str(picture)})], [shell("echo on")])))
    said(codex.ask("resume", "--last", TRUSTED, "Hello there"))
    assert "image" in results(seen)[0] and outputs(seen)[1] == "on"


def test_goals(codex: Codex, seen: Seen) -> None:
    """Codex adds the goal as an output that answers no call: the model reads it as a message."""
    events = codex.ask(TRUSTED, script([("create_goal", {"objective": "Win."})]))
    assert said(events) == "You said: Win."
    assert seen.bodies[-1]["input"][-1]["type"] == "function_call_output"
    assert "call_id" not in seen.bodies[-1]["input"][-1]
    said(codex.ask("resume", "--last", TRUSTED, script([("get_goal", {})])))
    assert "Win." in results(seen)[-1]


def test_compacted(codex: Codex, seen: Seen) -> None:
    """Codex shortens a conversation that its own limit ends."""
    limit = ("-c", "model_auto_compact_token_limit=5")
    said(codex.ask(TRUSTED, *limit, script([shell("echo one")], [shell("echo two")])))
    assert any(not each["tools"] for each in seen.asked)


def test_sandbox(codex: Codex, place: Place) -> None:
    """Read-only by default: the command fails, and the session goes on."""
    assert said(codex.ask(script([shell("echo x > made.txt")])))
    assert not (place.folder / "made.txt").exists()


def test_model_that_it_knows(codex: Codex, seen: Seen) -> None:
    """Its name changes what Codex says in front, and nothing that matters here."""
    events = codex.ask(TRUSTED, "-m", "gpt-5.2-codex", "Hello there")
    assert said(events) == "You said: Hello there"
    kinds = {tool["type"] for tool in seen.bodies[-1]["tools"]}
    assert {"function", "namespace"} <= kinds


@pytest.mark.refusals
def test_attached_picture_is_refused(codex: Codex, place: Place, seen: Seen) -> None:
    (place.folder / "dot.png").write_bytes(PNG)
    with pytest.raises(AssertionError):
        codex.ask(TRUSTED, "Hello there", "-i", "dot.png")
    assert "input_image" in seen.exchanges[-1]["answer"]["error"]["message"]
