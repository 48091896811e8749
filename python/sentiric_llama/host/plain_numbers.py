# SPDX-License-Identifier: AGPL-3.0-only
"""How numbers are written in settings and flags.

Python also reads `1_0`, digits of other scripts, `inf` and `nan`: a value that looks wrong to
people, and to every other program, must not pass here.
"""

from __future__ import annotations

import re

_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
MAX_DIGITS = 40
"""Characters of a number, far above every range."""


def plain_number(text: str, *, integer: bool) -> float:
    """The number that the text is. Raises ValueError for anything else."""
    if not is_plain_number(text):
        raise ValueError(text)
    return int(text) if integer else float(text)


def is_plain_number(text: str) -> bool:
    """True for a number in ASCII digits, white space around it aside."""
    stripped = text.strip()
    return len(stripped) <= MAX_DIGITS and _NUMBER.fullmatch(stripped) is not None
