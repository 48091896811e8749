# SPDX-License-Identifier: AGPL-3.0-only
"""Ranges of a request's numbers, written once for HTTP, gRPC, settings and help texts.

The engine checks the same ranges again (`cpp/include/sentiric/types.h`); checking here names the
field in the caller's words and keeps NaN, booleans and numbers in strings away from it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sentiric_llama.errors import InvalidArgument

MAX_CHOICES = 8
MAX_STOP_STRINGS = 8
MAX_STOP_BYTES = 256
MAX_LOGIT_BIAS = 300
MAX_TOP_LOGPROBS = 20
MAX_STOP_TOKENS = 64
MAX_BAD_WORDS = 64
MAX_BAD_TEXTS = MAX_BAD_WORDS // 2
"""A text has other tokens at the beginning than behind a space."""
MAX_BAD_WORD_TOKENS = 64
MAX_ALLOWED_TOKENS = 1024
MAX_PREDICTION = 32_768
MAX_SHOWN_TOKENS = 32
MAX_DRY_BREAKERS = 16
MAX_DRY_BREAKER_BYTES = 64
INT32_MAX = 2**31 - 1
_WORD = re.compile(r"[A-Za-z_-]{1,24}")


@dataclass(frozen=True, slots=True)
class NumberRange:
    """Inclusive bounds of one number; `low_open` excludes `low` itself."""

    name: str
    low: float
    high: float
    integer: bool = False
    low_open: bool = False
    minus_one: int | None = None
    """What -1 stands for, as in llama.cpp, if it is not a value of its own."""

    @property
    def allowed(self) -> str:
        """The range in words, for error messages and help texts."""
        low, high = _plain(self.low), _plain(self.high)
        kind = "an integer" if self.integer else "a number"
        return f"{kind} {'above ' if self.low_open else ''}{low}..{high}"

    def check(self, value: object, where: str = "") -> float:
        """The value as int or float. Raises InvalidArgument unless it is in the range."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._refuse(value, where)
        if self.integer and isinstance(value, float):
            if not value.is_integer():
                raise self._refuse(value, where)
            value = int(value)
        too_low = value <= self.low if self.low_open else value < self.low
        if too_low or value > self.high or not math.isfinite(value):
            raise self._refuse(value, where)
        if value == -1 and self.minus_one is not None:
            return self.minus_one
        return value if self.integer else float(value) + 0.0  # + 0.0: -0.0 becomes 0.0

    def _refuse(self, value: object, where: str) -> InvalidArgument:
        return out_of_range(where or self.name, value, self.allowed)


def out_of_range(where: str, value: object, allowed: str) -> InvalidArgument:
    """The error for a refused value: the field, what was got, what is allowed."""
    if _is_of_wrong_type(value, allowed):
        return wrong_type(where, value, allowed)
    got = shown_word(value) if " | " in allowed else shown(value)
    return InvalidArgument(f"out of range; got {got}, allowed {allowed}", where=where)


def wrong_type(where: str, value: object, allowed: str) -> InvalidArgument:
    """The error for a value whose type is refused."""
    return InvalidArgument(f"wrong type; got {shown(value)}, allowed {allowed}", where=where)


def _is_of_wrong_type(value: object, allowed: str) -> bool:
    """Reads the wanted type from the first words of `allowed`."""
    if allowed.startswith(("a number", "an integer")):
        return isinstance(value, bool) or not isinstance(value, int | float)
    if allowed.startswith("an object"):
        return not isinstance(value, Mapping)
    return allowed in ("a string", "true | false")


def shown(value: object) -> str:
    """A value as a message shows it: short, and strings by length only as they may be private."""
    if isinstance(value, str):
        return f"a string of {len(value)} character{'' if len(value) == 1 else 's'}"
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, Sequence):
        return f"a list of {len(value)}"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)[:40]


def shown_word(value: object) -> str:
    """What was sent where only some words are allowed: shown if it may be one with a slip."""
    is_word = isinstance(value, str) and _WORD.fullmatch(value)
    return repr(value) if is_word else shown(value)


def _plain(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else str(value)


SAMPLING_RANGES: dict[str, NumberRange] = {
    r.name: r
    for r in (
        NumberRange("temperature", 0, 2),
        NumberRange("top_k", -1, INT32_MAX, integer=True, minus_one=0),
        NumberRange("top_p", 0, 1),
        NumberRange("min_p", 0, 1),
        NumberRange("typical_p", 0, 1),
        NumberRange("repeat_penalty", 0.01, 2),
        NumberRange("presence_penalty", -2, 2),
        NumberRange("frequency_penalty", -2, 2),
        NumberRange("repeat_last_n", -1, 4096, integer=True, minus_one=4096),
        NumberRange("dry_multiplier", 0, 100),
        NumberRange("dry_base", 1, 100),
        NumberRange("dry_allowed_length", 0, 4096, integer=True),
        NumberRange("dry_penalty_last_n", -1, 32768, integer=True, minus_one=32768),
        NumberRange("xtc_probability", 0, 1),
        NumberRange("xtc_threshold", 0, 1),
        NumberRange("dynatemp_range", 0, 2),
        NumberRange("dynatemp_exponent", 0, 10),
        NumberRange("mirostat", 0, 2, integer=True),
        NumberRange("mirostat_tau", 0, 20),
        NumberRange("mirostat_eta", 0, 1),
        NumberRange("seed", -(2**63), 2**63 - 1, integer=True),
        NumberRange("top_logprobs", 0, MAX_TOP_LOGPROBS, integer=True),
    )
}
"""Name of a `SamplingParams` field -> its range."""

SAMPLING_ALIASES: dict[str, str] = {
    "repetition_penalty": "repeat_penalty",
    "typ_p": "typical_p",
}
"""Other names that clients use -> the field's name."""

MAX_TOKENS = NumberRange("max_tokens", -1, INT32_MAX, integer=True)
MIN_TOKENS = NumberRange("min_tokens", 0, INT32_MAX, integer=True)
PROMPT_LOGPROBS = NumberRange("prompt_logprobs", 0, MAX_TOP_LOGPROBS, integer=True)
REPETITION_LIMIT = NumberRange("repetition_limit", 0, INT32_MAX, integer=True)
THINKING_BUDGET = NumberRange("thinking_budget", -1, INT32_MAX, integer=True)
CHOICES = NumberRange("n", 1, MAX_CHOICES, integer=True)
BIAS = NumberRange("logit_bias", -100, 100)
TOKEN_ID = NumberRange("tokens", 0, INT32_MAX, integer=True)


def parse_sampling(raw: Mapping[str, object]) -> dict[str, Any]:
    """Checks the sampling fields of a request, which may use aliases; None means not given.

    Returns fields of `SamplingParams`. Raises InvalidArgument at the name that the caller used.
    """
    found: dict[str, Any] = {}
    for name, value in raw.items():
        field = SAMPLING_ALIASES.get(name, name)
        if value is not None and field in SAMPLING_RANGES and found.get(field) is None:
            found[field] = SAMPLING_RANGES[field].check(value, name)
    if "seed" in found:
        found["seed"] = parse_seed(found["seed"])
    if raw.get("dry_sequence_breakers") is not None:
        found["dry_sequence_breakers"] = parse_breakers(raw["dry_sequence_breakers"])
    if raw.get("logit_bias") is not None:
        found["logit_bias"] = parse_logit_bias(raw["logit_bias"])
    return found


def parse_seed(value: int) -> int | None:
    """-1 draws a random seed, as in llama.cpp; other negative seeds keep their 64 bits."""
    return None if value == -1 else value & (2**64 - 1)


def parse_breakers(value: object) -> tuple[str, ...]:
    """DRY's sequence breakers: at most 16 strings of 1..64 bytes each."""
    allowed = f"at most {MAX_DRY_BREAKERS} strings of 1..{MAX_DRY_BREAKER_BYTES} bytes"
    if not isinstance(value, list):
        raise wrong_type("dry_sequence_breakers", value, allowed)
    limits = (MAX_DRY_BREAKERS, MAX_DRY_BREAKER_BYTES)
    return _parse_strings("dry_sequence_breakers", value, limits, allowed)


def parse_stop(value: object, *, only_list: bool = False) -> tuple[str, ...]:
    """Stop strings: one, or a list of at most 8, each of 1..256 bytes; "" is none."""
    one = "" if only_list else "a string or "
    allowed = f"{one}at most {MAX_STOP_STRINGS} strings of 1..{MAX_STOP_BYTES} bytes each"
    items = ([value] if value else []) if isinstance(value, str) and not only_list else value
    if not isinstance(items, list):
        raise wrong_type("stop", value, allowed)
    return _parse_strings("stop", items, (MAX_STOP_STRINGS, MAX_STOP_BYTES), allowed)


def _parse_strings(
    where: str, items: list[object], limits: tuple[int, int], allowed: str
) -> tuple[str, ...]:
    """Strings within two limits: how many, and how many bytes each."""
    max_items, max_bytes = limits
    if len(items) > max_items:
        raise out_of_range(where, items, allowed)
    found = []
    for item in items:
        if not isinstance(item, str):
            raise wrong_type(where, item, allowed)
        if not 1 <= len(item) <= max_bytes or len(item.encode()) > max_bytes:
            raise out_of_range(where, item, allowed)
        found.append(item)
    return tuple(found)


def parse_bad_words(value: object) -> tuple[str, ...]:
    """Texts that may not come: at most 32 strings of 1..256 bytes each."""
    allowed = f"at most {MAX_BAD_TEXTS} strings of 1..{MAX_STOP_BYTES} bytes each"
    if not isinstance(value, list):
        raise wrong_type("bad_words", value, allowed)
    return _parse_strings("bad_words", value, (MAX_BAD_TEXTS, MAX_STOP_BYTES), allowed)


def parse_logit_bias(value: object) -> dict[int, float]:
    """Token id -> bias, from OpenAI's object or llama.cpp's pairs; `false` bans the token."""
    allowed = f'{{"id": bias}} or [[id, bias]], at most {MAX_LOGIT_BIAS} entries'
    if isinstance(value, Mapping):
        pairs: list[object] = [list(item) for item in value.items()]
    elif isinstance(value, list):
        pairs = value
    else:
        raise wrong_type("logit_bias", value, allowed)
    if len(pairs) > MAX_LOGIT_BIAS:
        raise out_of_range("logit_bias", value, allowed)
    return dict(_parse_bias_pair(pair) for pair in pairs)


_CANONICAL = re.compile("0|[1-9][0-9]{0,9}")


def _parse_bias_pair(pair: object) -> tuple[int, float]:
    if not isinstance(pair, list):
        raise wrong_type("logit_bias", pair, "pairs [id, bias]")
    if len(pair) != 2:
        raise out_of_range("logit_bias", pair, "pairs [id, bias]")
    key, bias = pair
    if isinstance(key, str):
        if not _CANONICAL.fullmatch(key):  # two ways to write an id would be two biases
            raise out_of_range("logit_bias", key, 'token ids as keys, e.g. "15043"')
        key = int(key)
    token = int(TOKEN_ID.check(key, "logit_bias"))
    return token, -100.0 if bias is False else BIAS.check(bias)
