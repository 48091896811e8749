# SPDX-License-Identifier: AGPL-3.0-only
"""instructor, in the modes that another server than the vendor's can answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import anthropic
import instructor
import openai
import pytest

from clients.conftest import Seen
from clients.forms import ADA, Person
from clients.server import Server

WHO: Any = [{"role": "user", "content": "Who?"}]
ONCE: Any = {"messages": WHO, "max_retries": 0}


def over_openai(server: Server, mode: str | None) -> Any:
    plain = openai.OpenAI(base_url=server.v1, api_key="none", max_retries=0)
    fields = {"mode": instructor.Mode[mode]} if mode else {}
    return instructor.from_openai(plain, **fields)


@pytest.mark.parametrize("mode", [None, "TOOLS", "TOOLS_STRICT", "JSON_SCHEMA", "RESPONSES_TOOLS"])
def test_openai(server: Server, seen: Seen, mode: str | None) -> None:
    client = over_openai(server, mode)
    made = client.chat.completions.create(model="m", response_model=Person, **ONCE)
    assert made.model_dump() == ADA.model_dump()
    assert len(seen.asked) == 1
    assert bool(seen.asked[0]["tools"]) == (mode != "JSON_SCHEMA")


def test_json_mode_describes_the_form(server: Server, seen: Seen) -> None:
    client = over_openai(server, "JSON")
    made = client.chat.completions.create(model="m", response_model=Person, **ONCE)
    assert isinstance(made, Person)
    assert seen.bodies[0]["response_format"]["type"] == "json_object"


def test_parallel_calls(server: Server) -> None:
    client = over_openai(server, "PARALLEL_TOOLS")
    made = client.chat.completions.create(model="m", response_model=Iterable[Person], **ONCE)
    assert [each.model_dump() for each in made] == [ADA.model_dump()]


@pytest.mark.parametrize("mode", ["TOOLS", "JSON_SCHEMA"])
def test_partial(server: Server, mode: str) -> None:
    client = over_openai(server, mode)
    parts = list(
        client.chat.completions.create_partial(model="m", messages=WHO, response_model=Person)
    )
    assert parts[0].model_dump() != ADA.model_dump() == parts[-1].model_dump()


@pytest.mark.parametrize("mode", ["ANTHROPIC_TOOLS", "ANTHROPIC_JSON", "ANTHROPIC_REASONING_TOOLS"])
def test_anthropic(server: Server, seen: Seen, mode: str) -> None:
    plain = anthropic.Anthropic(base_url=server.url, api_key="none", max_retries=0)
    client = instructor.from_anthropic(plain, mode=instructor.Mode[mode])
    made: Any = client.messages.create(model="m", max_tokens=4000, response_model=Person, **ONCE)
    assert isinstance(made, Person)
    assert seen.paths == ["/v1/messages"]
