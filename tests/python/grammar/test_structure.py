# SPDX-License-Identifier: AGPL-3.0-only
"""Structures in the library."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from sentiric_llama import Grammar
from sentiric_llama.errors import InvalidArgument, InvalidGrammar

NUMBER = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
CALL: dict[str, Any] = {
    "sequence": [{"free": ["<call>"]}, {"text": "<call>"}, {"schema": NUMBER}],
}


def test_a_structure_says_what_a_text_may_be() -> None:
    grammar = Grammar.from_structure(CALL)
    assert grammar.accepts('so <<call>{"n": 3}')
    assert not grammar.accepts('so <call>{"n": "3"}')
    assert not grammar.accepts("so")
    assert grammar.is_prefix("so")
    assert Grammar.from_structure(json.dumps(CALL)).accepts('<call>{"n":1}')
    assert copy.copy(grammar).accepts('<call>{"n":1}')


def test_samples_are_accepted() -> None:
    grammar = Grammar.from_structure(CALL)
    for seed in range(20):
        assert grammar.accepts(grammar.sample(seed))


@pytest.mark.parametrize(
    ("structure", "where"),
    [
        ({"sequence": [{"text": 5}]}, "structure/sequence/0/text"),
        ({"choice": [{"schema": {"minimum": "3"}}]}, "structure/choice/0/schema:/minimum"),
        ("{", "structure:1:2"),
        ({"text": "\ud800"}, "structure:/text"),
        ({"text": {1, 2}}, "structure:/text"),
    ],
)
def test_errors_name_the_node(structure: Any, where: str) -> None:
    with pytest.raises(InvalidGrammar) as caught:
        Grammar.from_structure(structure)
    assert caught.value.where == where


def test_other_types_are_refused() -> None:
    with pytest.raises(InvalidArgument) as caught:
        Grammar.from_structure([CALL])  # type: ignore[arg-type]
    assert caught.value.where == "structure"
