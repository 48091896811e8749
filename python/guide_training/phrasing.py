# SPDX-License-Identifier: AGPL-3.0-only
"""How people write: capitals, Turkish endings, politeness, missing marks and typing slips."""

from __future__ import annotations

import re
from random import Random

LANGUAGES = ("en", "tr")
PREFIXES = {
    "en": [
        "please tell me,",
        "hey,",
        "quick question:",
        "so,",
        "ok,",
        "and",
        "well,",
        "excuse me,",
    ],
    "tr": [
        "peki,",
        "acaba",
        "söyle bakalım,",
        "bir sorum var:",
        "tamam,",
        "pardon,",
        "ya",
        "bir de",
    ],
}
SUFFIXES = {"en": ["please", "in short", "now", "exactly"], "tr": ["lütfen", "acaba", "kısaca"]}
# Turns of phrase and what may stand in their place; the first that fits is used.
TURNS = {
    "en": [
        (r"^how (do|can) I ", ["how can I ", "how do I ", "how to ", "what must I do to ",
          "tell me how to ", "explain how to ", "I want to ", "how could I ", "how would I "]),
        (r"^which (\w+) (is|are|do|does) ", [r"what \1 \2 ", r"tell me which \1 \2 "]),
        (r"^which ", ["what ", "tell me which ", "do you know which "]),
        (r"^what is ", ["what's ", "tell me about ", "explain ", "describe ", "what about ",
          "can you explain ", "tell me what is ", "do you know "]),
        (r"^where (is|are) ", [r"where \1 ", r"where can I find ", "where do I find ", "show me "]),
        (r"^(is|are|does|do|can) ", [r"\1 ", r"tell me, \1 ", r"I wonder, \1 "]),
        (r"^what does (.*) do$", [r"what is \1", r"what is \1 for", r"explain \1", r"\1"]),
        (r"^explain ", ["describe ", "what is ", "tell me about "]),
    ],
    "tr": [
        (r" nedir$", [" ne", " ne demek", " nedir", " hakkında bilgi ver", " ne anlama gelir", ""]),
        (r"l[ae]rım$|l[ae]rim$", ["lamak istiyorum", "lamalıyım", "layabilirim", "larım"]),
        (r"(\w+?)[ıaiue]r[ıiuü]m$", [r"\1abilirim", r"\1mek istiyorum", r"\1ebilirim"]),
        (r" ne yapar$", [" ne işe yarar", " nedir", " ne yapıyor", " ne için", ""]),
        (r"^bana ", ["", "lütfen bana ", "bana "]),
        (r" var mı$", [" var mı", " mevcut mu", " bulunur mu", " sunuyor musun"]),
        (r"iyor m[uü]$|ıyor mu$|uyor mu$", ["ir mi", "iyor mu", "ebilir mi"]),
        (r" ne$", [" nedir", " neydi", " ne acaba"]),
        (r" nerede$", [" nerede bulunur", " nereden bulunur", " hangi yerde"]),
        (r"hangi ", ["hangi ", "ne ", "hangisi "]),
    ],
}  # fmt: skip
ASCII = str.maketrans("çğıöşüÇĞİÖŞÜ", "cgiosuCGIOSU")
BACK_VOWELS = {"a": "ı", "ı": "ı", "o": "u", "u": "u", "e": "i", "i": "i", "ö": "ü", "ü": "ü"}


def capital(text: str, language: str) -> str:
    """The text with its first letter in upper case; Turkish i becomes İ."""
    first = "İ" if language == "tr" and text[:1] == "i" else text[:1].upper()
    return first + text[1:]


def uncapital(text: str, language: str) -> str:
    """The text with its first letter in lower case; Turkish İ and I become i and ı."""
    turkish = {"İ": "i", "I": "ı"} if language == "tr" else {}
    return turkish.get(text[:1], text[:1].lower()) + text[1:]


def _harmony(word: str) -> str:
    lowered = word.replace("I", "ı").replace("İ", "i").lower()
    return next((BACK_VOWELS[c] for c in reversed(lowered) if c in BACK_VOWELS), "i")


def genitive(name: str, language: str) -> str:
    """Ada's, Ada'nın."""
    if language == "en":
        return f"{name}'s"
    buffer = "n" if name[-1].lower() in BACK_VOWELS else ""
    return f"{name}'{buffer}{_harmony(name)}n"


def accusative(words: str) -> str:
    """kapı kodunu, parolayı, alarmı: the Turkish object of "tell me …"."""
    last, vowel = words[-1], _harmony(words)
    if last in "ıiuü":
        return f"{words}n{vowel}"
    if last in "aeoö":
        return f"{words}y{vowel}"
    return f"{words[:-1]}ğ{vowel}" if last == "k" else f"{words}{vowel}"


def _slip(rng: Random, text: str) -> str:
    """One typing slip: a letter dropped, doubled or swapped with its neighbour."""
    at = rng.randrange(len(text) - 1)
    if not (text[at].isalpha() and text[at + 1].isalpha()):
        return text
    pair = rng.choice((text[at], text[at] * 2 + text[at + 1], text[at + 1] + text[at]))
    return text[:at] + pair + text[at + 2 :]


def rephrased(rng: Random, text: str, language: str) -> str:
    """The same question in other words, where a usual turn of phrase allows it."""
    for pattern, others in TURNS[language]:
        if re.search(pattern, text):
            return re.sub(pattern, rng.choice(others), text, count=1)
    return text


def _dressed(rng: Random, text: str, language: str) -> str:
    if rng.random() < 0.15:
        text = f"{rng.choice(PREFIXES[language])} {text}"
    if rng.random() < 0.08:
        text = f"{text} {rng.choice(SUFFIXES[language])}"
    return text


def varied(rng: Random, text: str, language: str) -> str:
    """The question as one of many people would type it."""
    words = text.split()
    if len(words) > 3 and rng.random() < 0.15:
        del words[rng.randrange(len(words))]
    text = _dressed(rng, " ".join(words), language)
    if len(text) > 6 and rng.random() < 0.08:
        text = _slip(rng, text)
    if language == "tr" and rng.random() < 0.08:
        text = text.translate(ASCII)
    if rng.random() < 0.65:
        text = capital(text, language)
    return text + rng.choices(("?", "", ".", "!"), (60, 33, 5, 2))[0]


def recased(rng: Random, text: str, language: str) -> str:
    """A complete sentence, now and then in lower case, without its mark or dressed up."""
    if rng.random() < 0.15:
        text = _dressed(rng, text, language)
    if rng.random() < 0.2:
        text = uncapital(text, language)
    if rng.random() < 0.2 and text[-1] in "?.":
        text = text[:-1]
    return text
