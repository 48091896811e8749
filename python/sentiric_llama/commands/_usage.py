# SPDX-License-Identifier: AGPL-3.0-only
"""What is said of a wrong command line: argparse's findings in our words."""

from __future__ import annotations

import argparse
import re

from sentiric_llama.errors import InvalidArgument
from sentiric_llama.host.printable import brief
from sentiric_llama.host.spelling import nearest
from sentiric_llama.locale.messages import say

LINE = "command line"
"""Where an error lies that no command and no argument has."""
_WORDINGS = (
    (r"expected (?:at least )?(?:one|\d+) arguments?", "the value is missing"),
    (r"not allowed with argument (.+)", "cannot be combined with {word}"),
    (r"ignored explicit argument (.+)", "takes no value, got {word}"),
    (r"the following arguments are required: (.+)", "missing argument {word}"),
)
"""Of argparse -> ours."""


def said_of(error: argparse.ArgumentError, place: str) -> InvalidArgument:
    """`place` is where an error lies that names no argument."""
    where = _name(error.argument_name) if error.argument_name else place
    return InvalidArgument(reworded(error.message), where=where)


def reworded(message: str) -> str:
    """What argparse says, in the language of the texts."""
    for pattern, text in _WORDINGS:
        if match := re.fullmatch(pattern, message):
            return say(text, word=brief(_name(match[1]))) if match.groups() else say(text)
    return message


def meant(word: str, known: list[str]) -> str:
    """The end of an error: the known word that was probably meant."""
    near = nearest(word, known)
    return "; " + say("did you mean {word}?", word=near) if near else ""


def _name(names: str) -> str:
    """Of `-n/--max-tokens`, the long one."""
    words = names.split("/")
    return next((word for word in words if word.startswith("--")), names)
