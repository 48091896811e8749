# SPDX-License-Identifier: AGPL-3.0-only
"""Small schemas with a way to write values of them: what larger ones are made of."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Schema = dict[str, Any]

_TEXT = """
the order was shipped to our warehouse in Izmir after customs had cleared two of three boxes;
please confirm günü saat 14:30'da görüşme için Straße über prüfen données reçues 東京 の 天気
refund policy applies when item arrives damaged (see section 4.2) total amount 1,249.90 EUR
temperature sensor reports 21.5 degrees near window, battery low, retry later "quoted" C:\\
"""
WORDS = _TEXT.split()
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Shape:
    """`write` gives another value of the schema each time."""

    schema: Schema
    write: Callable[[], Any]


class Leaves:
    """Strings, numbers and choices as schemas for tools and extraction have them."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def words(self, low: int, high: int) -> str:
        return " ".join(self.rng.choices(WORDS, k=self.rng.randint(low, high)))

    def any(self) -> Shape:
        makers: list[tuple[int, Callable[[], Shape]]] = [
            (10, self.text), (4, self.bounded_text), (4, self.pattern), (4, self.format),
            (5, self.integer), (4, self.number), (4, self.boolean), (6, self.choice),
            (1, self.long_choice), (2, self.nullable), (1, self.constant),
        ]  # fmt: skip
        weights, chosen = zip(*makers, strict=True)
        made: Shape = self.rng.choices(chosen, weights)[0]()
        return made

    def text(self) -> Shape:
        return Shape({"type": "string"}, lambda: self.words(1, 14))

    def bounded_text(self) -> Shape:
        high = self.rng.choice([10, 32, 64, 100, 255, 500, 2000])
        schema: Schema = {"type": "string", "maxLength": high}
        if self.rng.random() < 0.6:
            schema["minLength"] = self.rng.choice([1, 1, 2, 3])
        return Shape(schema, lambda: self.words(1, 30)[:high].ljust(3, "."))

    def pattern(self) -> Shape:
        pattern, write = self.rng.choice(self._patterns())
        return Shape({"type": "string", "pattern": pattern}, write)

    def _patterns(self) -> list[tuple[str, Callable[[], str]]]:
        digits, letters, upper = self.digits, self.letters, self.upper
        return [
            ("^[A-Z]{3}-[0-9]{4}$", lambda: f"{upper(3)}-{digits(4)}"),
            ("^[a-z0-9]+(-[a-z0-9]+)*$", lambda: f"{letters(5)}-{digits(2)}-{letters(4)}"),
            ("^#[0-9a-fA-F]{6}$", lambda: f"#{self.rng.randrange(16**6):06x}"),
            (r"^\+?[0-9]{7,15}$", lambda: f"+90{digits(10)}"),
            (r"^\d{5}(-\d{4})?$", lambda: digits(5)),
            (r"^v?\d+\.\d+\.\d+$", lambda: f"v{digits(1)}.{digits(2)}.{digits(1)}"),
            ("^[A-Z]{2}[0-9]{2}[A-Z0-9]{10,30}$", lambda: f"{upper(2)}{digits(18)}"),
            ("^[a-zA-Z_][a-zA-Z0-9_]{0,63}$", lambda: f"{letters(6)}_{letters(5)}"),
            (r"^(usd|eur|try|gbp)$", lambda: self.rng.choice(["usd", "eur", "try", "gbp"])),
            (r"^[\w.]+@[\w.]+\.[a-z]{2,6}$", lambda: f"{letters(6)}.{letters(3)}@{letters(8)}.com"),
            ("^(/[a-z0-9_.-]+)+$", lambda: f"/{letters(3)}/{letters(6)}/{letters(4)}.txt"),
            ("^[A-F0-9]{32}$", lambda: f"{self.rng.randrange(16**32):032X}"),
        ]

    def digits(self, count: int) -> str:
        return "".join(self.rng.choices("123456789", k=count))

    def letters(self, count: int) -> str:
        return "".join(self.rng.choices(LETTERS, k=count))

    def upper(self, count: int) -> str:
        return self.letters(count).upper()

    def format(self) -> Shape:
        name, write = self.rng.choice(self._formats())
        return Shape({"type": "string", "format": name}, write)

    def _formats(self) -> list[tuple[str, Callable[[], str]]]:
        rng = self.rng
        return [
            ("date", self.date),
            ("time", self.time),
            ("date-time", lambda: f"{self.date()}T{self.time()}"),
            ("email", lambda: f"{self.letters(6)}@{self.letters(7)}.com"),
            ("uuid", lambda: str(uuid.UUID(int=rng.getrandbits(128), version=4))),
            ("uri", lambda: f"https://{self.letters(7)}.org/{self.letters(4)}?q={self.digits(3)}"),
            ("hostname", lambda: f"{self.letters(4)}.{self.letters(7)}.net"),
            ("ipv4", lambda: ".".join(str(rng.randrange(256)) for _ in range(4))),
        ]

    def date(self) -> str:
        year, month, day = (self.rng.randint(*pair) for pair in ((1990, 2030), (1, 12), (1, 28)))
        return f"{year}-{month:02}-{day:02}"

    def time(self) -> str:
        return f"{self.rng.randrange(24):02}:{self.rng.randrange(60):02}:00Z"

    def integer(self) -> Shape:
        low = self.rng.choice([0, 0, 1, 1, -50, 18, 1900])
        high = low + self.rng.choice([4, 9, 99, 120, 1000, 65535])
        schema: Schema = {"type": "integer"}
        if self.rng.random() < 0.6:
            schema["minimum"] = low
            if self.rng.random() < 0.7:
                schema["maximum"] = high
        return Shape(schema, lambda: self.rng.randint(low, high))

    def number(self) -> Shape:
        low, high = self.rng.choice([(0, 1), (0, 100), (-90, 90), (-180, 180), (0, 100000)])
        bounded = {"minimum": low, "maximum": high} if self.rng.random() < 0.5 else {}
        return Shape(
            {"type": "number", **bounded}, lambda: round(self.rng.uniform(low, high * 0.99), 2)
        )

    def boolean(self) -> Shape:
        return Shape({"type": "boolean"}, lambda: self.rng.random() < 0.5)

    def choice(self) -> Shape:
        values = [self.letters(self.rng.randint(3, 10)) for _ in range(self.rng.randint(2, 9))]
        return self._chosen(list(dict.fromkeys(values)))

    def long_choice(self) -> Shape:
        count = self.rng.choice([30, 60, 200])
        return self._chosen([f"{self.letters(6)}-{number}" for number in range(count)])

    def _chosen(self, values: list[str]) -> Shape:
        return Shape({"type": "string", "enum": values}, lambda: self.rng.choice(values))

    def nullable(self) -> Shape:
        kind, value = self.rng.choice([("string", "late"), ("integer", 12), ("number", 0.5)])
        return Shape({"type": [kind, "null"]}, lambda: self.rng.choice([value, None]))

    def constant(self) -> Shape:
        value = self.letters(8)
        return Shape({"const": value}, lambda: value)
