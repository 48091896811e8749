# SPDX-License-Identifier: AGPL-3.0-only
"""What people hand over: words of the command line, files of JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def checked_words(text: str, where: str) -> str:
    """Words of the command line. Raises InvalidArgument for bytes that were no UTF-8."""
    from sentiric_llama.errors import InvalidArgument

    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        what = f"not UTF-8: the character at offset {error.start}"
        raise InvalidArgument(what, where=where) from None
    return text


def json_of_file(path: Path, where: str) -> Any:
    """What a file holds. Raises InvalidArgument when it cannot be read or is not JSON."""
    import json

    from sentiric_llama.client.repl.conversation import read_text
    from sentiric_llama.errors import InvalidArgument

    text = read_text(path)
    try:
        return json.loads(text)
    except ValueError as error:
        place = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise InvalidArgument(f"{path} is not valid JSON{place}", where=where) from None
    except RecursionError:
        raise InvalidArgument(f"{path} is nested too deeply", where=where) from None
