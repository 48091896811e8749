# SPDX-License-Identifier: AGPL-3.0-only
"""Every field of a request is checked: an error names the field, the value and the range."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from engine_tools import GREEDY
from sentiric_llama.engine.blocking import Engine
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.types import Request, SamplingParams
from sentiric_llama.types.ranges import INT32_MAX, SAMPLING_RANGES, out_of_range

VOCAB = 32000
RANGES: dict[str, tuple[float, float]] = {
    "temperature": (0, 2),
    "top_k": (0, VOCAB),
    "top_p": (0, 1),
    "min_p": (0, 1),
    "typical_p": (0, 1),
    "repeat_penalty": (0.01, 2),
    "presence_penalty": (-2, 2),
    "frequency_penalty": (-2, 2),
    "repeat_last_n": (0, 4096),
    "dry_multiplier": (0, 100),
    "dry_base": (1, 100),
    "dry_allowed_length": (0, 4096),
    "dry_penalty_last_n": (0, 32768),
    "xtc_probability": (0, 1),
    "xtc_threshold": (0, 1),
    "dynatemp_range": (0, 2),
    "dynatemp_exponent": (0, 10),
    "mirostat": (0, 2),
    "mirostat_tau": (0, 20),
    "mirostat_eta": (0, 1),
    "top_logprobs": (-1, 20),
}
NOT_RANGES = {"seed", "logit_bias", "dry_sequence_breakers", "allowed_tokens"}
WHOLE = {f.name for f in fields(SamplingParams) if str(f.type).startswith("int")}


def refused(engine: Engine, request: Request) -> InvalidArgument:
    with pytest.raises(InvalidArgument) as caught:
        engine.submit(request)
    return caught.value


def sampling(**values: Any) -> Request:
    return Request(text="Hello", sampling=replace(GREEDY, **values), max_tokens=2)


def test_the_table_is_complete() -> None:
    assert {f.name for f in fields(SamplingParams)} == set(RANGES) | NOT_RANGES


def test_protocols_have_the_same_ranges() -> None:
    """But for values that they replace before the engine sees them."""
    replaced = {
        "top_k": (-1, INT32_MAX),
        "repeat_last_n": (-1, 4096),
        "dry_penalty_last_n": (-1, 32768),
        "top_logprobs": (0, 20),
    }
    for name, limits in (RANGES | replaced).items():
        said = SAMPLING_RANGES[name]
        assert (said.low, said.high, said.low_open) == (*limits, False), name


@pytest.mark.parametrize("name", RANGES)
def test_values_outside_are_named_with_the_range(tiny: Engine, name: str) -> None:
    low, high = RANGES[name]
    step = 1 if name in WHOLE else 0.25
    for value in (low - step, high + step):
        error = refused(tiny, sampling(**{name: value}))
        assert error.where == name
        assert error.what == f"out of range; got {value:g}, allowed {low:g}..{high:g}"


@pytest.mark.parametrize("name", RANGES)
def test_values_at_the_ends_are_taken(tiny: Engine, name: str) -> None:
    for value in RANGES[name]:
        completion = tiny.generate("Hello", replace(GREEDY, **{name: value}), max_tokens=2)
        assert len(completion.tokens) == 2


@pytest.mark.parametrize("name", sorted(set(RANGES) - WHOLE))
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")], ids=str)
def test_what_is_no_number_is_refused(tiny: Engine, name: str, value: float) -> None:
    assert refused(tiny, sampling(**{name: value})).where == name


@pytest.mark.parametrize("name", [f.name for f in fields(SamplingParams)])
def test_a_wrong_type_names_the_field(tiny: Engine, name: str) -> None:
    assert refused(tiny, sampling(**{name: object()})).where == name


@pytest.mark.parametrize(
    ("values", "where", "what"),
    [
        ({"logit_bias": {VOCAB: 1.0}}, "logit_bias token", f"got {VOCAB}, allowed 0..{VOCAB - 1}"),
        ({"logit_bias": {-1: 1.0}}, "logit_bias token", "got -1"),
        ({"logit_bias": {5: 101.0}}, "logit_bias", "got 101, allowed -1000..100"),
        ({"logit_bias": {5: float("nan")}}, "logit_bias", "got nan"),
        ({"logit_bias": dict.fromkeys(range(301), 1.0)}, "logit_bias", "got 301 entries"),
        ({"logit_bias": {"5": 1.0}}, "logit_bias", "an item of the wrong type"),
        ({"dry_sequence_breakers": ("a",) * 17}, "dry_sequence_breakers", "got 17, allowed 0..16"),
        ({"dry_sequence_breakers": ("a" * 65,)}, "dry_sequence_breakers bytes", "got 65"),
        ({"dry_sequence_breakers": ("",)}, "dry_sequence_breakers bytes", "got 0, allowed 1..64"),
        ({"seed": 1.5}, "seed", "type"),
        ({"seed": "7"}, "seed", "type"),
        ({"top_k": 2**40}, "top_k", "large"),
        ({"temperature": "hot"}, "temperature", "must be a number; got str"),
    ],
    ids=str,
)
def test_lists_and_types(tiny: Engine, values: dict[str, Any], where: str, what: str) -> None:
    error = refused(tiny, sampling(**values))
    assert error.where == where
    assert what in error.what


@pytest.mark.parametrize(
    ("values", "where", "what"),
    [
        ({"max_tokens": -1}, "max_tokens", "got -1, allowed 0.."),
        ({"max_tokens": "many"}, "max_tokens", "must be an integer; got str"),
        ({"max_tokens": -(2**31)}, "max_tokens", "got -2147483648, allowed 0..2147483647"),
        ({"stop": ["a"] * 9}, "stop", "got 9, allowed 0..8"),
        ({"stop": [""]}, "stop bytes", "got 0, allowed 1..256"),
        ({"stop": ["a" * 257]}, "stop bytes", "got 257"),
        ({"stop": [1]}, "stop", "an item of the wrong type"),
        ({"stop": 5}, "stop", "must be a string or a list of strings"),
        ({"truncation": "sideways"}, "truncation", "allowed: drop_turns, error, shift"),
        ({"tokens": [5]}, "prompt", "got 2"),
        ({"text": ""}, "prompt", "got 0"),
        ({"deadline_ms": 2**40}, "deadline_ms", "large"),
    ],
    ids=str,
)
def test_other_fields_of_a_request(
    tiny: Engine, values: dict[str, Any], where: str, what: str
) -> None:
    error = refused(tiny, replace(sampling(), **values))
    assert error.where == where
    assert what in error.what


def test_refusals_leave_no_trace(tiny: Engine) -> None:
    before = tiny.stats()
    refused(tiny, sampling(temperature=3.0))
    after = tiny.stats()
    assert after.requests_submitted == before.requests_submitted
    assert tiny.capacity.available == tiny.capacity.total


@pytest.mark.parametrize(
    ("value", "allowed", "word"),
    [
        ("h", "a number 0..2", "wrong type; got a string of 1 character, allowed a number 0..2"),
        ("hot", "a number 0..2", "wrong type; got a string of 3 characters, allowed a number 0..2"),
        (True, "an integer 0..9", "wrong type; got true"),
        (None, "an integer 0..9", "wrong type; got null"),
        ([1], "an object", "wrong type; got a list of 1"),
        (1, "a string", "wrong type; got 1"),
        (3.5, "a number 0..2", "out of range; got 3.5"),
        ([1], "1..8 messages", "out of range; got a list of 1"),
    ],
)
def test_a_wrong_type_is_not_out_of_range(value: object, allowed: str, word: str) -> None:
    assert out_of_range("x", value, allowed).what.startswith(word)
