# SPDX-License-Identifier: AGPL-3.0-only
"""What an answer must hold, and what it must not."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from sentiric_llama.errors import InvalidArgument

_NAMES = ("all", "any", "none", "json_keys")
_FENCE = "```"
_THOUSANDS = re.compile(r"(?<=\d)[.,](?=\d{3}(?!\d))")


@dataclass(frozen=True, slots=True)
class Check:
    """Texts are compared without regard to case, also of Turkish letters, numbers as a whole. Empty
    answers fail."""

    all: tuple[str, ...] = ()
    any: tuple[str, ...] = ()
    none: tuple[str, ...] = ()
    json_keys: tuple[str, ...] = ()
    """The answer is a JSON object with at least these members."""

    @classmethod
    def of(cls, given: Any, where: str) -> Check:
        """From a file. Raises InvalidArgument."""
        if not isinstance(given, dict):
            raise InvalidArgument(f"{where}: allowed an object", where="--suites")
        for name, texts in given.items():
            place = f"{where}.{name}"
            if name not in _NAMES:
                what = f"{place}: unknown; allowed {', '.join(_NAMES)}"
                raise InvalidArgument(what, where="--suites")
            is_list = isinstance(texts, list) and texts
            if not is_list or not all(isinstance(text, str) and text for text in texts):
                raise InvalidArgument(f"{place}: allowed a list of texts", where="--suites")
        return cls(**{name: tuple(texts) for name, texts in given.items()})

    def fault(self, answer: str) -> str:
        """What is wrong with an answer; "" if nothing is."""
        said = fold(answer)
        if not said.strip():
            return "empty answer"
        if missing := [text for text in self.all if not _is_in(text, said)]:
            return f"missing: {', '.join(missing)}"
        if self.any and not any(_is_in(text, said) for text in self.any):
            return f"none of: {', '.join(self.any)}"
        if found := [text for text in self.none if _is_in(text, said)]:
            return f"must not be there: {', '.join(found)}"
        return self._json_fault(answer) if self.json_keys else ""

    def _json_fault(self, answer: str) -> str:
        found = _object_in(answer)
        if found is None:
            return "no JSON object"
        missing = [key for key in self.json_keys if key not in found]
        return f"JSON without: {', '.join(missing)}" if missing else ""


def fold(text: str) -> str:
    """For comparison: "I", "ı", "İ" and "i" are one letter, 1.500 is 1500."""
    plain = text.replace("İ", "i").replace("ı", "i").casefold()
    return _THOUSANDS.sub("", plain)


def _is_in(text: str, said: str) -> bool:
    """A number must stand there whole."""
    wanted = fold(text)
    if not wanted.isdecimal():
        return wanted in said
    return re.search(rf"(?<!\d){wanted}(?!\d)", said) is not None


def _object_in(answer: str) -> dict[str, Any] | None:
    """The answer as JSON, which may stand in a fence of Markdown."""
    text = answer.strip()
    if text.startswith(_FENCE):
        text = text.removeprefix(_FENCE).removeprefix("json").rpartition(_FENCE)[0]
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
