# SPDX-License-Identifier: AGPL-3.0-only
"""docs/messages-api.md: its examples run as written, its tables are those of the code."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from page_examples import Page, curl_commands, run_curl, run_python
from sentiric_llama.errors import ERROR_TABLE
from sentiric_llama.http.anthropic.answer import StopReason
from sentiric_llama.http.anthropic.blocks import KINDS
from sentiric_llama.http.anthropic.errors import messages_error, status_of

PAGE = Page("messages-api.md")


def test_python(guide: Any) -> None:
    (example,) = PAGE.blocks("python")
    assert run_python(example, guide.url).strip()


@pytest.mark.parametrize("line", curl_commands(PAGE.blocks("bash")[:1]))
def test_curl(guide: Any, line: str) -> None:
    output = run_curl(line, guide.url)
    if "count_tokens" in line:
        assert json.loads(output)["input_tokens"] > 5
    else:
        assert output.startswith("event: message_start\n")
        assert output.rstrip().endswith('event: message_stop\ndata: {"type":"message_stop"}')


def test_the_whole_stream_and_the_count_agree(guide: Any) -> None:
    from anthropic import Anthropic

    asked: dict[str, Any] = {
        "model": "default",
        "messages": [{"role": "user", "content": "Which port does HTTP use?"}],
        "system": "Be brief.",
    }
    with Anthropic(base_url=guide.url, api_key="none") as client:
        count = client.messages.count_tokens(**asked).input_tokens
        asked |= {"max_tokens": 40, "extra_body": {"temperature": 0}}
        whole = client.messages.create(**asked)
        with client.messages.stream(**asked) as stream:
            streamed = stream.get_final_message()
    assert streamed.content[0].text == whole.content[0].text  # type: ignore[union-attr]
    assert streamed.stop_reason == whole.stop_reason
    for usage in (whole.usage, streamed.usage):
        assert usage.input_tokens + (usage.cache_read_input_tokens or 0) == count


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_ends_where_the_context_does(tiny: Any, stream: bool) -> None:
    from anthropic import Anthropic

    asked: dict[str, Any] = {
        "model": "default",
        "max_tokens": 32_000,
        "messages": [{"role": "user", "content": "one two three four " * 80}],
        "extra_body": {"temperature": 0},
    }
    with Anthropic(base_url=tiny.url, api_key="none", timeout=120) as client:
        with client.messages.stream(**asked) as events:
            message = events.get_final_message()
        if not stream:
            message = client.messages.create(**asked)
    assert message.stop_reason == "max_tokens"
    usage = message.usage
    prompt = usage.input_tokens + (usage.cache_read_input_tokens or 0)
    assert 2047 <= prompt + usage.output_tokens <= 2049


def test_a_prompt_that_does_not_fit_is_refused(tiny: Any) -> None:
    from anthropic import Anthropic, BadRequestError

    messages: list[Any] = [{"role": "user", "content": "one two three four " * 800}] * 3
    text = r"prompt is too long: (\d+) tokens > (\d+) maximum"
    with Anthropic(base_url=tiny.url, api_key="none") as client:
        count = client.messages.count_tokens(model="default", messages=messages).input_tokens
        with pytest.raises(BadRequestError, match=text) as caught:
            client.messages.create(model="default", max_tokens=1, messages=messages)
    assert f"{count} tokens > 2047 maximum" in str(caught.value)


def test_every_block_and_every_end_is_described() -> None:
    table = PAGE.text.split("## Messages")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", table, re.MULTILINE)
    for name, roles in rows:
        wanted = KINDS[name].roles
        assert roles == ("every role" if len(wanted) == 3 else f"`{wanted[0]}`"), name
    assert [name for name, _ in rows] == list(KINDS)
    told = re.search(r"`stop_reason` is (.*?)\.", PAGE.text)
    assert told and set(re.findall(r"`(\w+)`", told[1])) == set(StopReason.__args__)  # type: ignore[attr-defined]


def test_the_table_of_errors() -> None:
    table = PAGE.text.split("## Errors")[1]
    rows = re.findall(r"^\| (\d[\d, ]*) \| `(\w+)` \|", table, re.MULTILINE)
    told = {int(status): kind for statuses, kind in rows for status in statuses.split(", ")}
    for status, kind in told.items():
        own = 503 if status == 529 else status
        assert messages_error(own, "", None)["error"]["type"] == kind
    assert {status_of(row.http) for row in ERROR_TABLE.values()} <= {400, *told}
