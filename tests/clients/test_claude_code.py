# SPDX-License-Identifier: AGPL-3.0-only
"""Claude Code (`claude -p`) with its own tools, over many turns."""

from __future__ import annotations

import itertools
import json
import uuid
from typing import Any

import pytest

from clients.agents import PNG, Claude, Place, script
from clients.conftest import Seen
from clients.server import Record, Server


@pytest.fixture
def claude(server: Server, place: Place) -> Claude:
    return Claude(server.url, place)


def bash(command: str) -> tuple[str, Any]:
    return "Bash", {"command": command, "description": "Does it"}


def results(seen: Seen) -> list[str]:
    """What the tools of the last request answered."""
    return [m["content"] for m in seen.asked[-1]["messages"] if m["role"] == "tool"]


def check_prefixes(asked: list[Record]) -> None:
    """Each request repeats the one before it, message for message."""
    for before, after in itertools.pairwise(asked):
        assert after["messages"][: len(before["messages"])] == before["messages"]
        assert after["tools"] == before["tools"]


def test_answer(claude: Claude, seen: Seen) -> None:
    ended = claude.ask("Hello there")
    assert ended["result"] == "You said: Hello there" and not ended["is_error"]
    assert seen.exchanges[-1]["answer_headers"]["x-ignored-fields"] == "context_management"


def test_twenty_turns(claude: Claude, place: Place, seen: Seen) -> None:
    notes, made = str(place.notes), str(place.folder / "made.txt")
    turns = [
        [bash("echo $((6*7))-from-shell")],
        [("Read", {"file_path": notes})],
        [("Edit", {"file_path": notes, "old_string": "1234", "new_string": "5678"})],
        [("Write", {"file_path": made, "content": "a\nb\n"}), bash("echo beside")],
        [bash("exit 3")],
        [("Read", {"file_path": str(place.folder / "absent.txt")})],
        [("Grep", {"pattern": "number", "output_mode": "content"}), ("Glob", {"pattern": "*.txt"})],
        [("Edit", {"file_path": made, "old_string": "not there", "new_string": "x"})],
        [bash(f"echo {letter}") for letter in "pqr"],
        *([bash(f"echo turn-{number}")] for number in range(11)),
    ]
    ended = claude.ask(script(*turns), *Claude.TOOLS)
    assert not ended["is_error"] and ended["num_turns"] > len(turns) == 20
    assert place.notes.read_text() == "the number is 5678\n"
    assert (place.folder / "made.txt").read_text() == "a\nb\n"
    got = results(seen)
    assert len(got) == sum(map(len, turns))
    assert got[0] == "42-from-shell" and got[-1] == "turn-10"
    assert [text.startswith("Error") for text in got[5:7]] == [True, True]
    assert sorted(got[10:13]) == ["p", "q", "r"]
    main = [each for each in seen.asked if each["tools"]]
    assert len(main) == 21
    check_prefixes(main)


def test_resumed(claude: Claude, seen: Seen) -> None:
    session = str(uuid.uuid4())
    claude.ask(script([bash("echo one")]), *Claude.TOOLS, "--session-id", session)
    ended = claude.ask(script([bash("echo two")]), *Claude.TOOLS, "--resume", session)
    assert ended["result"] == "Done: two"
    assert results(seen) == ["one", "two"]
    check_prefixes([each for each in seen.asked if each["tools"]])


def test_subagent(claude: Claude, seen: Seen) -> None:
    asked = {"description": "Say", "prompt": "Hello sub", "subagent_type": "general-purpose"}
    ended = claude.ask(script([("Agent", asked)]), "--allowedTools", "Agent")
    assert "You said: Hello sub" in ended["result"]
    assert any("Hello sub" in each["messages"][-1]["content"] for each in seen.asked)


def test_tasks(claude: Claude, seen: Seen) -> None:
    turns = [
        [("TaskCreate", {"subject": "a", "description": "b"}), ("TaskList", {})],
        [("TaskUpdate", {"taskId": "1", "status": "completed"})],
    ]
    ended = claude.ask(script(*turns), "--allowedTools", "TaskCreate,TaskList,TaskUpdate")
    assert not ended["is_error"] and len(results(seen)) == 3


def test_schema_of_the_answer(claude: Claude) -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    asked = script([("StructuredOutput", {"name": "Ada"})])
    ended = claude.ask(asked, "--json-schema", json.dumps(schema))
    assert ended["structured_output"] == {"name": "Ada"} and not ended["is_error"]


def test_picture_that_a_tool_reads(claude: Claude, place: Place, seen: Seen) -> None:
    """A text stands for it, and the session can go on, also later."""
    picture = place.folder / "dot.png"
    picture.write_bytes(PNG)
    session = str(uuid.uuid4())
    calls = [("Read", {"file_path": str(picture)})], [bash("echo on")]
    claude.ask(script(*calls), *Claude.TOOLS, "--session-id", session)
    ended = claude.ask("Hello there", *Claude.TOOLS, "--resume", session)
    assert ended["result"] == "You said: Hello there"
    assert "image" in results(seen)[0] and results(seen)[1] == "on"


def test_compacted(claude: Claude) -> None:
    session = str(uuid.uuid4())
    claude.ask(script([bash("echo one")]), *Claude.TOOLS, "--session-id", session)
    assert not claude.ask("/compact", *Claude.TOOLS, "--resume", session)["is_error"]
    ended = claude.ask(script([bash("echo two")]), *Claude.TOOLS, "--resume", session)
    assert ended["result"].endswith("two")


def test_other_model_and_system_prompt(claude: Claude, seen: Seen) -> None:
    ended = claude.ask("Hello there", "--model", "haiku", "--append-system-prompt", "Be brief.")
    assert ended["result"] == "You said: Hello there"
    assert "Be brief." in seen.asked[-1]["messages"][0]["content"]


def test_model_of_this_server(claude: Claude, seen: Seen) -> None:
    assert not claude.ask("Hello there", ANTHROPIC_MODEL="scripted")["is_error"]
    assert [each["body"]["model"] for each in seen.exchanges if each["body"]] == ["scripted"]


def test_tool_search(claude: Claude, seen: Seen) -> None:
    """Off by default with another server than the vendor's."""
    turns = [[("ToolSearch", {"query": "select:WebSearch", "max_results": 3})], [bash("echo on")]]
    allowed = ("--allowedTools", "ToolSearch,Bash")
    ended = claude.ask(script(*turns), *allowed, ENABLE_TOOL_SEARCH="true")
    assert not ended["is_error"] and "WebSearch" in results(seen)[0]


@pytest.mark.refusals
def test_web_search_is_refused_and_the_session_goes_on(claude: Claude, seen: Seen) -> None:
    calls = script([("WebSearch", {"query": "weather"})])
    ended = claude.ask(calls, "--allowedTools", "WebSearch")
    assert not ended["is_error"]
    refused = [each for each in seen.exchanges if each["status"] >= 400]
    assert refused and {each["status"] for each in refused} == {400}
    assert "server tools are not supported" in refused[0]["answer"]["error"]["message"]
