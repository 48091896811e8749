# SPDX-License-Identifier: AGPL-3.0-only
"""The facts the guide knows and the phrasings that ask for them, read from facts/*.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guide_training.phrasing import LANGUAGES, capital

FOLDER = Path(__file__).parent / "facts"


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact in one language."""

    name: str
    language: str
    answer: str
    asked: tuple[str, ...]
    held_out: tuple[str, ...]
    needed: tuple[str, ...]

    def clean_held_out(self) -> list[str]:
        """The held-out phrasings as a careful writer would type them."""
        small_talk = self.name in ("hello", "thanks", "bye")
        return [capital(q, self.language) + ("!" if small_talk else "?") for q in self.held_out]


def _fact(name: str, table: dict[str, Any], language: str) -> Fact:
    lines = table[f"ask_{language}"].split("\n")
    phrasings = [line.strip() for line in lines if line.strip()]
    return Fact(
        name=name,
        language=language,
        answer=table[language],
        asked=tuple(q for q in phrasings if not q.startswith("* ")),
        held_out=tuple(q[2:] for q in phrasings if q.startswith("* ")),
        needed=tuple(table.get("need") or table[f"need_{language}"]),
    )


def load_facts() -> list[Fact]:
    """Every fact in every language, in a fixed order."""
    facts: list[Fact] = []
    for path in sorted(FOLDER.glob("*.toml")):
        if path.name == "memory.toml":
            continue
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        facts += [_fact(name, table, lang) for name, table in tables.items() for lang in LANGUAGES]
    return facts
