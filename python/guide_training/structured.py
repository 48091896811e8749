# SPDX-License-Identifier: AGPL-3.0-only
"""Requests for a small JSON object whose values stand in the conversation."""

from __future__ import annotations

import json
from dataclasses import dataclass
from random import Random

from guide_training import words
from guide_training.phrasing import recased
from guide_training.words import listed

# What a key may be called; the object uses the name that the request used.
KEYS: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {"name": ("name",), "age": ("age",), "city": ("city",)},
    "tr": {"name": ("name", "ad", "isim"), "age": ("age", "yaş"), "city": ("city", "şehir")},
}
TELL: dict[str, dict[str, str]] = {
    "en": {
        "age": "{name} is {age} years old.",
        "city": "{name} lives in {city}.",
        "both": "{name} is {age} years old and lives in {city}.",
        "me": "My name is {name}, I am {age} and I live in {city}.",
    },
    "tr": {
        "age": "{name} {age} yaşında.",
        "city": "{name} {city} şehrinde yaşıyor.",
        "both": "{name} {age} yaşında ve {city} şehrinde yaşıyor.",
        "me": "Adım {name}, {age} yaşındayım ve {city} şehrinde yaşıyorum.",
    },
}
REQUEST = {
    "en": listed(
        "Give me a JSON with {k}.|Return a JSON object with the keys {k}.|{k} as JSON.|"
        "Write {k} as a JSON object.|Answer in JSON with {k}.|Give me {k} in JSON.|"
        "Give me a JSON object with {k}.|Make a JSON with the fields {k}.|JSON with {k}, please."
    ),
    "tr": listed(
        "Bana {k} içeren bir JSON ver.|{k} anahtarlarıyla bir JSON nesnesi döndür.|"
        "{k} JSON olarak.|{k} bilgisini JSON nesnesi olarak yaz.|{k} ile JSON cevap ver.|"
        "{k} içeren bir JSON yaz.|Bana {k} alanlı bir JSON nesnesi ver.|"
        "{k} alanlarıyla bir JSON yap.|Lütfen {k} ile JSON."
    ),
}
AND = {"en": "and", "tr": "ve"}


@dataclass(frozen=True, slots=True)
class Person:
    """Someone whose data the object holds."""

    name: str
    age: int
    city: str


def person(rng: Random) -> Person:
    """A random person."""
    return Person(words.name(rng), int(words.age(rng)), words.city(rng))


def told(rng: Random, someone: Person, language: str, keys: list[str], me: bool) -> str:
    """A sentence that holds at least the values of the keys; `me`: said about oneself."""
    shapes = ["me"] if me else ["both"]
    if "city" not in keys and not me:
        shapes.append("age")
    if "age" not in keys and not me:
        shapes.append("city")
    return TELL[language][rng.choice(shapes)].format(
        name=someone.name, age=someone.age, city=someone.city
    )


def some_keys(rng: Random) -> list[str]:
    """Two or three of the keys, in any order."""
    return rng.sample(["name", "age", "city"], rng.choice((2, 2, 3)))


def request(
    rng: Random, someone: Person | None, language: str, keys: list[str], clean: bool = False
) -> tuple[str, str]:
    """A request for the keys and the object that answers it; nobody known gives nulls."""
    names = [rng.choice(KEYS[language][key]) for key in keys]
    listed = ", ".join(names[:-1]) + f" {AND[language]} {names[-1]}"
    text = rng.choice(REQUEST[language]).format(k=listed)
    values = [getattr(someone, key) if someone else None for key in keys]
    answer = json.dumps(dict(zip(names, values, strict=True)), ensure_ascii=False)
    return text if clean else recased(rng, text, language), answer
