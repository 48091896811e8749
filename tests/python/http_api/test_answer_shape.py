# SPDX-License-Identifier: AGPL-3.0-only
"""What compares answers with pages notices every kind of difference."""

from __future__ import annotations

from typing import Any

import pytest

from answer_shape import ANY, differences
from page_examples import differences_of_responses


@pytest.mark.parametrize(
    ("written", "got"),
    [
        ({"a": 1}, {"a": 1}),
        ({"a": 1, ANY: ANY}, {"a": 1, "b": 2}),
        ({"wait_ms": 1}, {"wait_ms": 7.5}),
        ([0.5], [3]),
        ([1, ANY], [1, 2, 3]),
        ("id-…", "id-77"),
        (ANY, {"a": None}),
    ],
)
def test_same(written: Any, got: Any) -> None:
    assert not list(differences(written, got))


@pytest.mark.parametrize(
    ("written", "got"),
    [
        ({"a": 1}, {}),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, {"a": True}),
        ({"a": 1}, {"a": "1"}),
        ({"a": None}, {"a": 1}),
        ({"a": False}, {"a": None}),
        ({"wait_ms": 1}, {"wait_ms": None}),
        ([1], [1, 2]),
        ([1, 2, ANY], [1]),
        ([{"a": 1}], [{"a": 2}]),
        ("id-…", "no"),
        ({ANY: ANY}, []),
    ],
)
def test_different(written: Any, got: Any) -> None:
    assert len(list(differences(written, got))) == 1


def test_responses() -> None:
    written = 'HTTP/1.1 429 Too Many Requests\nretry-after: …\n\n{"a": 1}'
    got = 'HTTP/1.1 429 \r\ndate: x\r\nRetry-After: 2\r\n\r\n{"a": 1}'
    assert not list(differences_of_responses(written, got))
    for old, new in (("429", "503"), ("Retry", "Try"), ("1}", "2}")):
        assert len(list(differences_of_responses(written, got.replace(old, new)))) == 1
