# SPDX-License-Identifier: AGPL-3.0-only
"""The only filter for foreign texts before they reach a terminal, a log line or a label.

Terminals act on more than the C0 codes: on DEL, on the C1 codes, and on marks that change the
direction of text and so disguise it. Line and paragraph separators forge lines.
"""

from __future__ import annotations

import json
import re
from pathlib import PurePath
from typing import Any

_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_HARMFUL = rf"\x7f-\x9f\u2028\u2029{_BIDI}\ud800-\udfff"
_ON_A_TERMINAL = re.compile(rf"[\x00-\x08\x0b-\x1f{_HARMFUL}]")
_IN_A_LINE = re.compile(rf"[\x00-\x1f{_HARMFUL}]")
_IN_JSON = re.compile(rf"[{_HARMFUL}]")
REPLACEMENT = "\ufffd"
MAX_LABEL = 128
MAX_SHOWN = 120
"""Characters of a value that an error repeats."""
MAX_PATH = 400
"""The same of a path, whose end says most."""


def printable(text: str) -> str:
    """Text for a terminal: control characters except newlines and tabs become U+FFFD."""
    return _ON_A_TERMINAL.sub(REPLACEMENT, text)


def printable_line(text: str) -> str:
    """As `printable`, on one line: newlines and tabs become spaces."""
    return printable(text.replace("\n", " ").replace("\t", " "))


def brief(text: object) -> str:
    """A foreign name in an error: on one line, cut when it is long; of a path the end is kept."""
    line, is_path = printable_line(str(text)), isinstance(text, PurePath)
    if len(line) <= (MAX_PATH if is_path else MAX_SHOWN):
        return line
    shown = f"…{line[-MAX_PATH:]}" if is_path else f"{line[:MAX_SHOWN]}…"
    return f"{shown} ({len(line)} characters)"


def quoted(value: object) -> str:
    """A foreign value in an error, as Python writes it, cut as `brief` cuts."""
    if isinstance(value, str) and len(value) > MAX_SHOWN:
        return f"{quoted(value[:MAX_SHOWN])}… ({len(value)} characters)"
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # an integer of thousands of digits
        text = f"a huge {type(value).__name__}"
    return text if isinstance(value, str) else brief(text)


def escaped(text: str) -> str:
    r"""One line for logs and labels, with control characters as `\x1b` or `\u2028`."""
    return _IN_A_LINE.sub(_escape, text)


def label(text: str) -> str:
    """A value of a metric's label or a span's attribute: `escaped` and cut to a short length."""
    return escaped(text)[:MAX_LABEL]


def json_text(value: Any, **options: Any) -> str:
    """JSON of a value, with harmful characters escaped."""
    return escaped_json(json.dumps(value, ensure_ascii=False, **options))


def escaped_json(text: str) -> str:
    """JSON text with harmful characters escaped, which json.dumps leaves as they are."""
    return _IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x20 else f"\\u{code:04x}"
