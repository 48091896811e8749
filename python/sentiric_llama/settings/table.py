# SPDX-License-Identifier: AGPL-3.0-only
"""The settings as plain data, for flags and help texts, which must not wait for pydantic.

`make reference` writes `table.json` from the class in `config.py`; a test compares the two.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

PATH = Path(__file__).with_name("table.json")


@dataclass(frozen=True, slots=True)
class FieldHelp:
    """One setting as flags and documentation show it."""

    name: str
    env: tuple[str, ...]
    default: Any
    allowed: str
    help: str
    section: str
    unit: str = ""
    is_bool: bool = False
    is_secret: bool = False

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")


def setting_table() -> list[FieldHelp]:
    """All settings in the order of their definition."""
    rows = json.loads(PATH.read_text("utf-8"))
    return [FieldHelp(**row | {"env": tuple(row["env"])}) for row in rows]


def to_json(fields: list[FieldHelp]) -> str:
    """The text of `table.json`: one line per setting, so that diffs stay readable."""
    lines = ",\n".join(json.dumps(asdict(field), ensure_ascii=False) for field in fields)
    return f"[\n{lines}\n]\n"
