# SPDX-License-Identifier: AGPL-3.0-only
"""Words and values that the dialogues draw from, some of them invented on the spot."""

from __future__ import annotations

from collections.abc import Callable
from random import Random


def listed(text: str) -> list[str]:
    """The entries of a text: between bars where there are any, else between blanks."""
    return text.split("|") if "|" in text else text.split()


NAMES = listed(
    "Ada Alan Alice Anna Ben Bob Carol Clara Dan David Emma Eva Frank Grace Henry Ivan Jack Jane "
    "John Julia Kate Laura Leo Linda Lucas Maria Mark Max Mia Nina Noah Oliver Olivia Paul Peter "
    "Rose Sam Sara Sofia Thomas Tom Victor Ahmet Ali Arda Aslı Ayşe Aylin Banu Barış Berk Burcu "
    "Can Cem Ceren Deniz Derya Ebru Ece Efe Elif Emre Esra Fatma Furkan Gizem Gül Hakan Hasan "
    "Hülya İpek Kaan Kemal Leyla Mehmet Melis Mert Murat Mustafa Nazlı Okan Onur Oya Ömer Özge "
    "Pelin Selin Serkan Sevgi Şule Tuna Umut Volkan Yasemin Yusuf Zehra Zeynep"
)
CITIES = listed(
    "Ankara İstanbul İzmir Bursa Antalya Adana Konya Trabzon Mersin Samsun Eskişehir Rize Van "
    "London Paris Berlin Rome Madrid Vienna Prague Oslo Lisbon Dublin Athens Cairo Tokyo Boston "
    "Chicago Toronto Sydney Lima Delhi Warsaw Helsinki"
)
COLOURS = {
    "en": listed("red blue green yellow purple orange black white pink brown grey turquoise"),
    "tr": listed("kırmızı mavi yeşil sarı mor turuncu siyah beyaz pembe kahverengi gri turkuaz"),
}
DAYS = {
    "en": listed("Monday Tuesday Wednesday Thursday Friday Saturday Sunday"),
    "tr": listed("pazartesi salı çarşamba perşembe cuma cumartesi pazar"),
}
PLACES = {
    "en": listed(
        "in the drawer|on the table|in the kitchen|under the bed|in the car|on the shelf|"
        "in the red box|behind the door|in the garage|on the desk|in my bag|in the office"
    ),
    "tr": listed(
        "çekmecede|masada|mutfakta|yatağın altında|arabada|rafta|kırmızı kutuda|kapının arkasında|"
        "garajda|dolapta|çantada|ofiste"
    ),
}
ONSETS = listed("b c d f g h k l m n p r s t v y z br dr kr st tr ş ç")
VOWELS = listed("a e i o u a e ı ö ü")
CODAS = ["", "", "", "n", "r", "l", "s", "k", "m", "t"]


def invented(rng: Random, syllables: int) -> str:
    """A word nobody has seen, so that repeating it can only be done by copying."""
    return "".join(
        rng.choice(ONSETS) + rng.choice(VOWELS) + rng.choice(CODAS) for _ in range(syllables)
    )


def name(rng: Random) -> str:
    """A first name; four in ten are invented."""
    return invented(rng, 2).title() if rng.random() < 0.4 else rng.choice(NAMES)


def city(rng: Random) -> str:
    """A city; four in ten are invented."""
    return invented(rng, rng.choice((2, 3))).title() if rng.random() < 0.4 else rng.choice(CITIES)


def digits(rng: Random) -> str:
    """A number of two to six digits, any of which may repeat, sometimes after a letter."""
    number = "".join(rng.choice("0123456789") for _ in range(rng.choice((2, 3, 4, 4, 4, 5, 6))))
    return rng.choice("ABCDEFGHKLMNPRSTUVZ") + number if rng.random() < 0.1 else number


def password(rng: Random) -> str:
    """An invented word, two of them, or one followed by digits."""
    shape = rng.random()
    if shape < 0.4:
        return invented(rng, 2) + digits(rng)
    if shape < 0.6:
        return f"{invented(rng, 2)}-{invented(rng, 2)}"
    return invented(rng, rng.choice((2, 3)))


def time_of_day(rng: Random) -> str:
    """A time such as 15:30."""
    return f"{rng.randrange(24):02d}:{rng.randrange(60):02d}"


def age(rng: Random) -> str:
    """An age in years."""
    return str(rng.randrange(5, 99))


def _price(rng: Random, currencies: str) -> str:
    return f"{rng.randrange(2, 10 ** rng.choice((2, 3, 4)))} {rng.choice(currencies.split())}"


VALUES: dict[str, Callable[[Random], str]] = {
    "digits": digits,
    "password": password,
    "time": time_of_day,
    "age": age,
    "city": city,
    "day": lambda rng: rng.choice(DAYS["en"]),
    "day_tr": lambda rng: rng.choice(DAYS["tr"]),
    "colour_en": lambda rng: rng.choice(COLOURS["en"]),
    "colour_tr": lambda rng: rng.choice(COLOURS["tr"]),
    "place_en": lambda rng: rng.choice(PLACES["en"]),
    "place_tr": lambda rng: rng.choice(PLACES["tr"]),
    "price_en": lambda rng: _price(rng, "dollars euros pounds lira"),
    "price_tr": lambda rng: _price(rng, "lira dolar euro"),
}
