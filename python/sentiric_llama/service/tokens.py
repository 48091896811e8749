# SPDX-License-Identifier: AGPL-3.0-only
"""Limits on the texts and token ids of a call, checked in short steps."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence

from sentiric_llama.engine.protocol import AsyncEngineProtocol
from sentiric_llama.errors import ContextLengthExceeded
from sentiric_llama.service.chat_call import (
    BYTES_PER_TOKEN,
    MAX_CONTENT_BYTES,
    conversation_texts,
)
from sentiric_llama.types import Request
from sentiric_llama.types.ranges import MAX_PREDICTION, out_of_range

MAX_TOKENS_LISTED = 2**18
"""Maximum number of token ids in one detokenize call."""
STEP = 16_384
"""How many numbers one step handles, as each step may hold the GIL throughout."""
MAX_EMBED_TEXTS = 256
MAX_PREDICTED_TEXT = 16 * MAX_PREDICTION


async def tokenize(
    engine: AsyncEngineProtocol, text: str, add_special: bool, parse_special: bool
) -> array[int]:
    check_size("content", [text])
    return await engine.tokenize_to_array(
        text, add_special=add_special, parse_special=parse_special
    )


def distinct(tokens: Sequence[int]) -> set[int]:
    found: set[int] = set()
    for begin in range(0, len(tokens), STEP):
        found.update(tokens[begin : begin + STEP])
    return found


def estimate_tokens(texts: Iterable[str]) -> int:
    """About how many tokens they have."""
    return sum(len(text) for text in texts) // BYTES_PER_TOKEN


def estimate_prompts(prompts: Sequence[str | tuple[int, ...]], first: Request) -> list[int]:
    """About how many tokens each has, or the conversation of the first request without them."""
    if not prompts:
        return [estimate_tokens(conversation_texts(first.messages, first.tools))]
    return [estimate_tokens([p]) if isinstance(p, str) else len(p) for p in prompts]


def check_size(where: str, texts: Sequence[str]) -> None:
    if sum(len(text.encode()) for text in texts) > MAX_CONTENT_BYTES:
        raise too_much_text(where)


def too_much_text(where: str) -> ContextLengthExceeded:
    return ContextLengthExceeded(f"too much text; allowed {MAX_CONTENT_BYTES} bytes", where=where)


def check_tokens(tokens: Sequence[int], num_vocab: int) -> None:
    for begin in range(0, len(tokens), STEP):
        part = tokens[begin : begin + STEP]
        if min(part) < 0 or max(part) >= num_vocab:
            bad = next(token for token in part if not 0 <= token < num_vocab)
            raise out_of_range("tokens", bad, f"0..{num_vocab - 1}")


async def predicted(engine: AsyncEngineProtocol, text: str) -> list[int]:
    """The tokens of an expected answer. It is a hint: what is too long is cut."""
    if not text:
        return []
    return (await engine.tokenize_to_array(text[:MAX_PREDICTED_TEXT]))[:MAX_PREDICTION].tolist()


async def spellings(engine: AsyncEngineProtocol, words: Sequence[str]) -> list[list[int]]:
    """The tokens of each word, inside a text and behind a space."""
    found = []
    for word in words:
        for text in (word, f" {word.lstrip()}"):
            tokens = (await engine.tokenize_to_array(text)).tolist()
            if tokens and tokens not in found:
                found.append(tokens)
    return found
