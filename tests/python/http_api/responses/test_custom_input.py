# SPDX-License-Identifier: AGPL-3.0-only
"""The text of a custom tool's call: the same however it arrives, whatever a model writes."""

from __future__ import annotations

import json
import random

import pytest

from sentiric_llama.http.custom_tools.input_text import InputText


def read(parts: list[str]) -> str:
    reader = InputText()
    return "".join([*map(reader.feed, parts), reader.end()])


def splits(text: str) -> list[list[str]]:
    """Whole, by characters, and in some other ways."""
    found = [[text], list(text)]
    for seed in range(20):
        rng = random.Random(seed)
        places = sorted(rng.choices(range(len(text) + 1), k=3))
        bounds = zip([0, *places], [*places, len(text)], strict=True)
        found.append([text[a:b] for a, b in bounds])
    return found


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ('{"input": "abc"}', "abc"),
        ('{"input":""}', ""),
        ('  {\n "input" :\t"a" } ', "a"),
        (r'{"input": "\"\\\/\b\f\n\r\t"}', '"\\/\b\f\n\r\t'),
        (r'{"input": "\u0041\u015f\ud83d\ude00"}', "Aş\U0001f600"),
        (r'{"input": "\ud83d"}', "\ufffd"),
        (r'{"input": "\ud83dx\ude00"}', "\ufffdx\ufffd"),
        (r'{"input": "\ud83d\ud83d\ude00"}', "\ufffd\U0001f600"),
        (r'{"input": "\x\u12"}', "x\\u12"),
        ('{"input": "a\nb"}', "a\nb"),
        ('{"input": "a", "more": "b"}', "a"),
        ('{"input": "cut of', "cut of"),
        (r'{"input": "cut\u00', "cut"),
        (r'{"input": "cut\ud83d', "cut\ufffd"),
        ('{"other": 1, "input": "late"}', "late"),
        ('{"text": "a"}', '{"text": "a"}'),
        ('{"input": 5}', '{"input": 5}'),
        ('"bare"', "bare"),
        ("[1, 2]", "[1, 2]"),
        ("no JSON", "no JSON"),
        ("", ""),
        ("{" + " " * 300 + '"input": "far"}', "far"),
        ("[" * 100_000, "[" * 100_000),
    ],
    ids=lambda value: value[:24],
)
def test_what_is_read_does_not_depend_on_the_parts(arguments: str, expected: str) -> None:
    for parts in splits(arguments):
        assert read(parts) == expected


def test_it_comes_as_soon_as_it_is_certain() -> None:
    reader = InputText()
    parts = [reader.feed(part) for part in ('{"input": "a', "b\\", "nc", '"}')]
    assert parts == ["a", "b", "\nc", ""] and reader.end() == ""


@pytest.mark.parametrize("seed", range(20))
def test_any_text_comes_through(seed: int) -> None:
    rng = random.Random(seed)
    text = "".join(rng.choices('ab"\\\n\t/uşx😀{}:,', k=60))
    for ascii_only in (False, True):
        arguments = json.dumps({"input": text}, ensure_ascii=ascii_only)
        for parts in splits(arguments):
            assert read(parts) == text
