# SPDX-License-Identifier: AGPL-3.0-only
"""Writes what is derived from the sources: `make reference`. Tests compare it with the files.

docs/settings.md and settings/table.json come from the settings class, the generated part of
docs/cli.md from the parsers of the verbs.
"""

from __future__ import annotations

from pathlib import Path

from sentiric_llama.config import describe_fields
from sentiric_llama.settings import table

ROOT = Path(__file__).parent


def pages() -> dict[Path, str]:
    """Every derived file with the text it should have."""
    fields = describe_fields()
    return {table.PATH: table.to_json(fields)}


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
        print(path)
