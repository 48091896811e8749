# SPDX-License-Identifier: AGPL-3.0-only
"""What people read on the command line, in English or Turkish.

The English text is the key. A text without a translation stays English, so a new message needs
no entry to work. Machine output (`--json`, logs) is never translated.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping

LANGUAGES = ("en", "tr")
_CATALOGUES = {"tr": "sentiric_llama.locale.turkish"}
_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")  # in the order that POSIX gives them

_catalogue: Mapping[str, str] = {}
_errors: Mapping[str, str] = {}


def language_of(environ: Mapping[str, str]) -> str:
    """The language a locale asks for; English for every one that has no catalogue."""
    chosen = next((environ[name] for name in _VARIABLES if environ.get(name)), "")
    code = chosen.partition("_")[0].partition(".")[0].lower()
    return code if code in LANGUAGES else "en"


def set_language(code: str) -> None:
    """Every later `say` answers in this language."""
    global _catalogue, _errors
    _catalogue, _errors = {}, {}
    if code != "en":
        module = importlib.import_module(_CATALOGUES[code])
        _catalogue, _errors = module.CATALOGUE, module.ERRORS


def say(text: str, /, **values: object) -> str:
    """The text in the chosen language, `{name}` replaced by the values."""
    found = _catalogue.get(text, text)
    return found.format(**values) if values else found


def say_many(count: int, one: str, many: str, /, **values: object) -> str:
    """As `say`: the first text for one thing, the second for another number of them."""
    return say(one if count == 1 else many, count=count, **values)


def say_error(text: str) -> str:
    """The text of an error in the chosen language; as it is when nobody translated it.

    Errors carry whole sentences, for logs and programs: what changes in them is found again.
    """
    for template, translation in _errors.items():
        if match := re.fullmatch(_pattern(template), text, re.DOTALL):
            values = {name: say_error(value) for name, value in match.groupdict().items()}
            return translation.format(**values)
    return text


def _pattern(template: str) -> str:
    """Of "no file {path}": a pattern that finds the path."""
    parts = re.split(r"\{(\w+)\}", template)  # a text, a name, a text, ...
    return "".join(
        f"(?P<{part}>.+?)" if at % 2 else re.escape(part) for at, part in enumerate(parts)
    )


def in_words(value: object) -> str:
    """A fact as people read it: yes or no, not True or False."""
    if isinstance(value, bool):
        return say("yes") if value else say("no")
    return str(value)
