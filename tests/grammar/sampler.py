# SPDX-License-Identifier: AGPL-3.0-only
"""Texts that a random model writes when a grammar masks it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sentiric_llama._host import Grammar, Matcher, Vocabulary

TEMPERATURE = 1.5
LONG = 80  # bytes from which on the model wants to end
TOO_LONG = 1_500
CHECKED = 0.15  # of the masks
_PIECES = [
    '{"', '":', '": ', '",', '", "', '"}', '"]', "}}", "]}", "},{", "[]", "{}", ", ", ": ", "[[",
    "true", "false", "null", "tr", "ull", "10", "00", "0.", "1e", "-1", ".5", "ab", "abc", "name",
    "çi", "lek", "ğü", "İst", "anbul", "🦙", "\\u00", "\\n", '\\"', "\\\\", "  ", "\n ", "\n  ",
    '"a"', '"b":', '"id":1', "2024-", "-01", "00:0", "0Z", "://", "example", ".org",
]  # fmt: skip
TOKENS = [bytes([byte]) for byte in range(256)] + [piece.encode() for piece in _PIECES]
VOCABULARY = Vocabulary(TOKENS)
_WORDS = (len(TOKENS) + 63) // 64


@dataclass
class Sample:
    text: bytes
    ending: str  # "ended", "dead end", "too long", "mask", "forced"
    detail: str = ""


def allowed_tokens(matcher: Matcher) -> np.ndarray:
    """The tokens of the mask, in order."""
    words = np.ascontiguousarray(matcher.mask(VOCABULARY), dtype="<u8")[:_WORDS]
    bits = np.unpackbits(words.view(np.uint8), bitorder="little")[: len(TOKENS)]
    return np.flatnonzero(bits)


def _where(holds: Callable[[bytes], bool]) -> np.ndarray:
    return np.array([holds(token) for token in TOKENS], dtype=float)


_SPACES = _where(bytes.isspace)
_PARTS = _where(lambda token: len(token) == 1 and token[0] >= 0x80)
_CLOSING = _where(lambda token: token[:1] in b'"]}')
_OPENING = _where(lambda token: token[:1] in b"[{,\\")


def _chosen(tokens: np.ndarray, length: int, stop: float, rng: np.random.Generator) -> bytes:
    """By random logits, with some love for what ends a text."""
    logits = rng.normal(0, 2, len(TOKENS)) - 3 * _SPACES - 2 * _PARTS + stop * _CLOSING
    if length > LONG:
        logits += (length - LONG) / LONG * (6 * _CLOSING - 2 * _OPENING)
    weights = np.exp((logits[tokens] - logits[tokens].max()) / TEMPERATURE)
    return TOKENS[rng.choice(tokens, p=weights / weights.sum())]


def sample(grammar: Grammar, number: int, *, by_mask: bool) -> Sample:
    rng = np.random.default_rng(number)
    matcher = Matcher(grammar)
    text = b""
    stop = rng.choice([0.0, 1.0, 3.0])
    while len(text) < TOO_LONG:
        tokens = allowed_tokens(matcher) if by_mask else np.array(matcher.allowed_bytes())
        if matcher.can_end and (not len(tokens) or rng.random() < 0.3 + len(text) / LONG):
            return Sample(text, "ended")
        if by_mask and rng.random() < CHECKED:
            if wrong := _wrong_mask(grammar, text, set(tokens.tolist()), rng):
                return Sample(text, "mask", wrong)
            if wrong := _wrong_forced(grammar, text):
                return Sample(text, "forced", wrong)
        if not len(tokens):
            return Sample(text, "dead end")
        token = _chosen(tokens, len(text), stop, rng)
        if matcher.advance(token) != len(token):
            return Sample(text, "mask", f"{token!r} is in the mask and not allowed")
        text += token
    return Sample(text, "too long")


def _wrong_forced(grammar: Grammar, text: bytes) -> str:
    """A byte that is called forced where another one, or the end, is allowed."""
    matcher = Matcher(grammar)
    matcher.advance(text)
    forced = matcher.forced(16)
    for byte in forced:
        if matcher.can_end or matcher.allowed_bytes() != [byte]:
            return f"{forced!r} is forced"
        matcher.advance(bytes([byte]))
    return ""


def _wrong_mask(grammar: Grammar, text: bytes, tokens: set[int], rng: np.random.Generator) -> str:
    """A token about which the mask and the matcher differ."""
    matcher = Matcher(grammar)
    matcher.advance(text)
    single = matcher.allowed_bytes()
    if {token for token in tokens if token < 256} != set(single):
        return f"the mask has other bytes than {single}"
    token = int(rng.integers(256, len(TOKENS)))
    allowed = matcher.advance(TOKENS[token]) == len(TOKENS[token])
    return "" if allowed == (token in tokens) else f"{TOKENS[token]!r} is allowed: {allowed}"
