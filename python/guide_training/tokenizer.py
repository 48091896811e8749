# SPDX-License-Identifier: AGPL-3.0-only
"""A byte-level BPE vocabulary that llama.cpp splits in the same way."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

# llama.cpp's name for the expression below; every digit becomes a token of its own.
PRE_TOKENIZER = "qwen2"
EXPRESSION = (
    r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
    r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
END_OF_TEXT, START, END = SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")


def from_parts(vocabulary: dict[str, int], merges: list[tuple[str, str]]) -> Tokenizer:
    """The tokenizer of a vocabulary and its merges."""
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(EXPRESSION), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(text, special=True) for text in SPECIAL])
    return tokenizer


def train(texts: Iterable[str], size: int) -> Tokenizer:
    """Learn a vocabulary of `size` tokens: the special ones, 256 bytes and merges."""
    tokenizer = from_parts({}, [])
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def token_id(tokenizer: Tokenizer, text: str) -> int:
    """The id of a token that must exist."""
    found = tokenizer.token_to_id(text)
    if found is None:
        raise ValueError(f"[guide] the vocabulary has no token {text}")
    return found


def encode(tokenizer: Tokenizer, pieces: list[tuple[str, float]]) -> tuple[list[int], list[float]]:
    """Tokens of the joined pieces, and for each the weight of the piece it starts in."""
    encoding = tokenizer.encode("".join(text for text, _ in pieces), add_special_tokens=False)
    ends = list(accumulate(len(text) for text, _ in pieces))
    weights = [pieces[bisect_right(ends, start)][1] for start, _ in encoding.offsets]
    return encoding.ids, weights
