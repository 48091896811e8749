# SPDX-License-Identifier: AGPL-3.0-only
"""Facts that a conversation tells the guide and asks back later."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from random import Random

from guide_training import words
from guide_training.chatter import THINGS
from guide_training.phrasing import accusative, capital, genitive, recased


@dataclass(frozen=True, slots=True)
class Kind:
    """A family of facts: codes, times, prices, what people like and so on."""

    name: str
    language: str
    subjects: tuple[str, ...]  # empty: the subject is a person
    unseen: tuple[str, ...]
    patterns: tuple[str, ...]  # subjects about any thing
    value: str
    say: tuple[str, ...]
    ask: tuple[str, ...]
    answer: str


@dataclass(frozen=True, slots=True)
class Memory:
    """One fact of a kind: a subject and its value."""

    kind: Kind
    subject: str
    value: str

    @property
    def key(self) -> tuple[str, str]:
        """What the fact is about; telling it again replaces the value."""
        return self.kind.name, self.subject

    def _filled(self, template: str) -> str:
        language = self.kind.language
        text = template.format(
            s=self.subject,
            S=capital(self.subject, language),
            v=self.value,
            a=accusative(self.subject),
            g=genitive(self.subject, language),
        )
        return capital(text, language)

    def statement(self, rng: Random) -> str:
        """A sentence that tells the fact."""
        return self._filled(rng.choice(self.kind.say))

    def question(self, rng: Random, clean: bool = False) -> str:
        """A question for the fact, as typed by a careful person when `clean`."""
        text = self._filled(rng.choice(self.kind.ask))
        return text if clean else recased(rng, text, self.kind.language)

    def answer(self) -> str:
        """The good answer, which contains the value."""
        return self._filled(self.kind.answer)


def load_kinds() -> dict[str, list[Kind]]:
    """The kinds of each language."""
    path = Path(__file__).parent / "facts" / "memory.toml"
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    return {
        language: [
            Kind(
                name=name,
                language=language,
                subjects=() if table["subjects"] == "names" else tuple(table["subjects"]),
                unseen=tuple(table.get("unseen", ())),
                patterns=tuple(table.get("patterns", ())),
                value=table["value"],
                say=tuple(table["say"]),
                ask=tuple(table["ask"]),
                answer=table["answer"],
            )
            for name, table in kinds.items()
        ]
        for language, kinds in tables.items()
    }


def draw(rng: Random, kinds: list[Kind], unseen: bool = False) -> Memory:
    """A random fact; codes are the commonest. `unseen` asks for subjects kept from training."""
    kind = rng.choices(kinds, [4 if k.name == "code" else 1 for k in kinds])[0]
    return Memory(kind, _subject(rng, kind, unseen), words.VALUES[kind.value](rng))


def _subject(rng: Random, kind: Kind, unseen: bool) -> str:
    if unseen and kind.unseen:
        return rng.choice(kind.unseen)
    if kind.patterns and rng.random() < 0.4:
        return rng.choice(kind.patterns).format(t=rng.choice(THINGS[kind.language]))
    return rng.choice(kind.subjects) if kind.subjects else words.name(rng)
