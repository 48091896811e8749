# SPDX-License-Identifier: AGPL-3.0-only
"""What people read on the command line, in English or Turkish.

The English text is the key. A text without a translation stays English, so a new message needs
no entry to work. Machine output (`--json`, logs) is never translated.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping

LANGUAGES = ("en", "tr")
_CATALOGUES = {"tr": "sentiric_llama.locale.turkish"}
_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")  # in the order that POSIX gives them

_catalogue: Mapping[str, str] = {}


def language_of(environ: Mapping[str, str]) -> str:
    """The language a locale asks for; English for every one that has no catalogue."""
    chosen = next((environ[name] for name in _VARIABLES if environ.get(name)), "")
    code = chosen.partition("_")[0].partition(".")[0].lower()
    return code if code in LANGUAGES else "en"


def set_language(code: str) -> None:
    """Every later `say` answers in this language."""
    global _catalogue
    _catalogue = {}
    if code != "en":
        _catalogue = importlib.import_module(_CATALOGUES[code]).CATALOGUE


def say(text: str, /, **values: object) -> str:
    """The text in the chosen language, `{name}` replaced by the values."""
    found = _catalogue.get(text, text)
    return found.format(**values) if values else found
