# SPDX-License-Identifier: AGPL-3.0-only
"""What a well-formed GGUF file must say before native code may build a model from it.

The rules are those whose breach ends the process or reads foreign memory in llama.cpp: vocabularies
that do not fit together, shapes that divide by zero.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path

from sentiric_llama.gguf import types as gguf
from sentiric_llama.gguf.header import Array, Header, read_header
from sentiric_llama.gguf.reader import invalid

MAX_TOKEN_BYTES = 4096
TOKENIZERS = frozenset(
    {
        *("llama", "gpt2", "bert", "t5", "rwkv", "plamo2", "gemma4", "hybriddna", "whitespace"),
        *("none", "no_vocab"),
    }
)
"""What the pinned llama.cpp can read, without its own test tokenizer."""

_U8, _I8, _I32, _F32 = 0, 1, 5, 6
_ARRAY_TYPES = {
    "tokenizer.ggml.tokens": {gguf.STRING},
    "tokenizer.ggml.merges": {gguf.STRING},
    "tokenizer.ggml.scores": {_F32, _I32},
    "tokenizer.ggml.token_type": {_I32},
    "tokenizer.ggml.precompiled_charsmap": {_U8, _I8},
    "tokenizer.ggml.suppress_tokens": {_I32},
}
_RANGES = {  # of "<architecture>.<key>"
    "block_count": (1, 512),
    "context_length": (1, 2**31 - 1),
    "embedding_length": (1, 2**20),
    "attention.head_count": (1, 65_536),
    "expert_count": (0, 1024),
    "vocab_size": (0, gguf.MAX_ARRAY_ITEMS),
}
_BYTE_TOKEN_TYPE = 6
_BYTE_TOKEN = re.compile(rb"<0x[0-9A-Fa-f]{2}>")
_ARCHITECTURE = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")


def check_model(path: Path) -> Header:
    """The header of a file that holds a model. Raises ModelNotFound or ModelInvalid.

    Reads the header alone. A file that did not change since is not read again.
    """
    try:
        now = path.stat()
    except (OSError, ValueError):
        return read_header(path)  # says what is wrong
    return _checked(path, (now.st_ino, now.st_size, now.st_mtime_ns))


@functools.lru_cache(maxsize=8)
def _checked(path: Path, _identity: tuple[int, int, int]) -> Header:
    header = read_header(path)
    for problem in problems(header):
        raise invalid(path, problem)
    return header.without_lists()


def problems(header: Header) -> Iterator[str]:
    """Everything that speaks against loading it, the plainest first."""
    yield from _of_kind(header)
    yield from _of_shape(header)
    yield from _of_vocabulary(header)


def _of_kind(header: Header) -> Iterator[str]:
    kind = header.text("general.type")
    if kind not in ("", "model", "imatrix"):
        yield f"is a file of the type {kind!r}, not a model; name the model it belongs to"
    if not _ARCHITECTURE.fullmatch(header.text("general.architecture")):
        yield "names no architecture; it is not a model for llama.cpp"
    if not header.tensors and (header.number("split.count") or 0) < 2:
        yield "holds no weights; it is a vocabulary or the rest of a failed conversion"


def _of_shape(header: Header) -> Iterator[str]:
    architecture = header.text("general.architecture")
    for key, (low, high) in _RANGES.items():
        name = f"{architecture}.{key}"
        value = header.values.get(name)
        if value is None:
            continue
        numbers = list(value.numbers()) if isinstance(value, Array) and value.raw else [value]
        wrong = [n for n in numbers if not isinstance(n, int) or not low <= n <= high]
        layered = isinstance(value, Array) and all(n == 0 for n in wrong)  # layers without it
        if wrong and not layered:
            yield f"has {name} = {wrong[0]!r}, allowed {low}..{high}"


def _of_vocabulary(header: Header) -> Iterator[str]:
    tokenizer = header.text("tokenizer.ggml.model")
    if tokenizer not in TOKENIZERS | {""}:
        yield f"needs the unknown tokenizer {tokenizer!r}"
    for key, allowed in _ARRAY_TYPES.items():
        value = header.values.get(key)
        if value is not None and not (isinstance(value, Array) and value.kind in allowed):
            yield f"has {key} in a wrong type, allowed {_named(allowed)} in an array"
            return
    tokens = header.array("tokenizer.ggml.tokens")
    if tokens is not None:
        yield from _of_tokens(header, tokens)


def _of_tokens(header: Header, tokens: Array) -> Iterator[str]:
    for key in ("tokenizer.ggml.scores", "tokenizer.ggml.token_type"):
        other = header.array(key)
        if other is not None and other.count != tokens.count:
            yield f"has {other.count} items in {key} for {tokens.count} tokens"
    longest = max(map(len, tokens.strings), default=0)
    if longest > MAX_TOKEN_BYTES:
        yield f"has a token of {longest} bytes, allowed {MAX_TOKEN_BYTES}"
    # llama.cpp names empty tokens so; two equal names end its process.
    words = set(tokens.strings)
    if b"" in words:
        words = {word or b"[EMPTY_%d]" % index for index, word in enumerate(tokens.strings)}
    if len(words) != tokens.count:
        yield f"has {tokens.count - len(words)} tokens twice"
    types = header.array("tokenizer.ggml.token_type")
    if types is not None:
        kinds = zip(tokens.strings, types.numbers(), strict=False)
        for word in [word for word, kind in kinds if kind == _BYTE_TOKEN_TYPE]:
            if not _BYTE_TOKEN.fullmatch(word):
                yield f"has the byte token {word[:32]!r}, allowed <0x00>..<0xFF>"


def _named(kinds: set[int]) -> str:
    return " or ".join(gguf.TYPE_NAMES[kind] for kind in sorted(kinds))
