# SPDX-License-Identifier: AGPL-3.0-only
"""A vendored vocabulary: copied into a model, and the words that prompts are written with."""

from __future__ import annotations

import functools
import os
import re
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt

from benchmarks.shapes import SHAPES, Shape

FOLDER = Path(__file__).parent / ".models"
VENDORED = Path(__file__).parents[1] / "vendor" / "llama.cpp" / "models"
NUM_WORDS = 2048
RECITED = 512
"""Words that a reciting model knows by heart: the first of `words`."""
LINE_BREAKS = ("\u010a".encode(), b"<0x0A>")
"""A line break as byte-level and as SentencePiece vocabularies spell it."""
_NORMAL = 1  # a token's type in GGUF


@dataclass(frozen=True)
class Vocabulary:
    """Tokens as bytes (in the vocabulary's own spelling) and which of them are ordinary text."""

    tokens: tuple[bytes, ...]
    is_text: npt.NDArray[np.bool_]

    @property
    def size(self) -> int:
        return len(self.tokens)

    @classmethod
    def read(cls, name: str) -> Vocabulary:
        return cls._of(gguf.GGUFReader(VENDORED / f"ggml-vocab-{name}.gguf"))

    @classmethod
    def _of(cls, reader: gguf.GGUFReader) -> Vocabulary:
        field = reader.fields["tokenizer.ggml.tokens"]
        types = reader.fields["tokenizer.ggml.token_type"]
        kinds = np.array([int(types.parts[index][0]) for index in types.data])
        return cls(tuple(bytes(field.parts[index]) for index in field.data), kinds == _NORMAL)

    @classmethod
    def copy(cls, shape: Shape, writer: gguf.GGUFWriter) -> Vocabulary:
        """Copies every tokenizer.* value into a model file, with the shape's chat template."""
        reader = gguf.GGUFReader(VENDORED / f"ggml-vocab-{shape.vocabulary}.gguf")
        for field in reader.fields.values():
            name = field.name
            if name.startswith("tokenizer.") and name != "tokenizer.chat_template":
                kind, *element = field.types
                sub_type = element[0] if element else None
                writer.add_key_value(name, field.contents(), kind, sub_type)
        if shape.template:
            text = (VENDORED / "templates" / shape.template).read_text(encoding="utf-8")
            writer.add_chat_template(text)
        return cls._of(reader)

    def words(self) -> list[tuple[int, str]]:
        """Tokens that are one lower-case word behind a space, the most common first."""
        pattern = re.compile("(?:\u0120|\u2581)([a-z]{3,8})")
        found = []
        for token, piece in enumerate(self.tokens):
            if match := pattern.fullmatch(piece.decode("utf-8", "replace")):
                found.append((token, match[1]))
        return found[:NUM_WORDS]

    def predecessors(self) -> npt.NDArray[np.int64]:
        """For each token the one it follows: first the recited words in order, then the others.

        A permutation with one cycle through all recited words; it is entered at the first word
        from a line break, which ends the head of an answer in the chat template.
        """
        recited = [token for token, _ in self.words()[:RECITED]]
        (line_break,) = (i for i, piece in enumerate(self.tokens) if piece in LINE_BREAKS)
        chain = [line_break, *recited]
        others = np.setdiff1d(np.arange(self.size), chain)
        order = np.concatenate([chain, np.random.RandomState(0).permutation(others)])
        before = np.empty(self.size, dtype=np.int64)
        before[order] = np.roll(order, 1)
        return before


def token_lengths(vocabulary: Vocabulary) -> npt.NDArray[np.float32]:
    """Bytes of each ordinary token, zero for the others."""
    lengths = np.array([len(token) for token in vocabulary.tokens], dtype=np.float32)
    return np.where(vocabulary.is_text, lengths, 0).astype(np.float32)


@functools.cache
def words_of(shape: str) -> tuple[str, ...]:
    """Words that are one token each in this model's vocabulary.

    Kept in a file, because reading a large vocabulary takes seconds.
    """
    vocabulary = SHAPES[shape].vocabulary
    cache = FOLDER / f"{vocabulary}.words"
    if not cache.exists():
        FOLDER.mkdir(exist_ok=True)
        scratch = cache.with_suffix(f".{os.getpid()}")
        scratch.write_text(" ".join(word for _, word in Vocabulary.read(vocabulary).words()))
        scratch.rename(cache)
    return tuple(cache.read_text().split())
