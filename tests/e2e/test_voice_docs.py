# SPDX-License-Identifier: AGPL-3.0-only
"""docs/voice.md: its examples run as written, and a prompt that grows is computed once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from page_examples import Page, curl_commands, run_curl, run_python

pytestmark = pytest.mark.both_modes

PAGE = Page("voice.md")
SYSTEM = {"role": "system", "content": "Sen yardımsever bir sesli asistansın. Kısa cevap ver."}
WORDS = "Merhaba bana bu sunucunun hangi portları dinlediğini ve nasıl kapatıldığını söyler misin"


@pytest.mark.parametrize("line", curl_commands(PAGE.blocks("bash")))
def test_curl(guide: Any, line: str) -> None:
    output = run_curl(line, guide.url)
    if "-X DELETE" in line:
        assert json.loads(output)["error"]["code"]
    elif "/render" in line:
        assert json.loads(output)["cached_tokens"] >= 0
    else:
        assert json.loads(output)["choices"][0]["message"]["content"] == ""


def test_python(guide: Any) -> None:
    (example,) = PAGE.blocks("python")
    assert run_python(example, guide.url).strip()


def test_ten_growing_steps_and_the_answer_compute_each_token_once(guide: Any) -> None:
    words = WORDS.split()
    computed = 0
    for count in range(1, 11):
        talk = [SYSTEM, {"role": "user", "content": " ".join(words[:count])}]
        step = guide.chat(talk, max_tokens=0).json
        (choice,) = step["choices"]
        assert (choice["message"]["content"], choice["finish_reason"]) == ("", "length")
        assert step["usage"]["completion_tokens"] == 0
        computed += step["timings"]["prompt_n"]
    talk = [SYSTEM, {"role": "user", "content": WORDS}]
    answer = guide.chat(talk, max_tokens=4, temperature=0).json
    details = answer["usage"]["prompt_tokens_details"]
    assert (
        answer["usage"]["prompt_tokens"] - details["cached_tokens"] + computed
        == (answer["usage"]["prompt_tokens"])
    )
    assert answer["timings"]["prompt_n"] + computed == answer["usage"]["prompt_tokens"]
