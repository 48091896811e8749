# SPDX-License-Identifier: AGPL-3.0-only
"""Numbers on the command line. The parser reads and checks them, before anything is done."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from sentiric_llama.errors import InvalidArgument
from sentiric_llama.host.plain_numbers import plain_number
from sentiric_llama.host.printable import brief
from sentiric_llama.locale.messages import say
from sentiric_llama.types.ranges import NumberRange

MOST = 1_000_000
_LONGEST_S = 1e6


def number(allowed: NumberRange) -> Callable[[str], float]:
    """A type for `add_argument`: a number in this range."""

    def read(text: str) -> float:
        try:
            return allowed.check(plain_number(text, integer=allowed.integer))
        except (InvalidArgument, ValueError):
            got, choices = brief(text) or "''", in_words(allowed)
            shown = say("got {word}, allowed {choices}", word=got, choices=choices)
            raise argparse.ArgumentTypeError(shown) from None

    return read


def count(least: int = 1, most: int = MOST) -> Callable[[str], float]:
    """A whole number of things, at least one unless `least` says otherwise."""
    return number(NumberRange("", least, most, integer=True))


def seconds(*, may_be_zero: bool = False) -> Callable[[str], float]:
    """A time."""
    return number(NumberRange("", 0, _LONGEST_S, low_open=not may_be_zero))


def in_words(allowed: NumberRange) -> str:
    """The range in the language of the texts."""
    text = allowed.allowed
    for word in ("an integer", "a number", "above"):
        text = text.replace(word, say(word))
    return text
