# SPDX-License-Identifier: AGPL-3.0-only
"""The tokens of a real model, from a package that ships them, and texts cut into them."""

from __future__ import annotations

import base64
import importlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAME = "Qwen's vocabulary"
_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""How the model's tokenizer cuts a text into words before it looks for tokens."""
_PACKAGE, _FILE = "dashscope", "resources/qwen.tiktoken"


@dataclass(frozen=True)
class Tokens:
    """Each token's bytes; the one after the last ends the text."""

    texts: tuple[bytes, ...]

    @property
    def end(self) -> int:
        return len(self.texts)

    @property
    def size(self) -> int:
        return len(self.texts) + 1


def load() -> Tokens:
    """Raises FileNotFoundError that says what fetches it."""
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or found.origin is None:
        raise FileNotFoundError("[grammars] the vocabulary is missing; run: make bench-grammars")
    return parse((Path(found.origin).parent / _FILE).read_bytes())


def parse(lines: bytes) -> Tokens:
    """Lines of a token in base64 and its number, in order of the numbers."""
    return Tokens(tuple(base64.b64decode(line.split()[0]) for line in lines.splitlines()))


def tokenizer(tokens: Tokens) -> Any:
    """llguidance's, which cuts a text as the model does: after a text that is forced, it allows no
    other tokens than those. With its slices for JSON, which are made for schemas."""
    kind = importlib.import_module("llguidance").LLTokenizer
    return kind.from_tiktoken(
        encoder={text: number for number, text in enumerate(tokens.texts)},
        special_tokens={"<|end|>": tokens.end},
        pattern=_WORDS,
        eos_token=tokens.end,
        n_vocab=tokens.size,
        slices=kind.json_slices(),
    )
