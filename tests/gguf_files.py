# SPDX-License-Identifier: AGPL-3.0-only
"""GGUF files byte by byte, right and wrong ones, written without the code that reads them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

U8, I8, U32, I32, F32, BOOL, STRING, ARRAY, U64 = 0, 1, 4, 5, 6, 7, 8, 9, 10
_FORMS = {U8: "<B", I8: "<b", U32: "<I", I32: "<i", F32: "<f", BOOL: "<B", U64: "<Q"}


def text(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(raw)) + raw


def value(kind: int, content: Any) -> bytes:
    """A value behind its type number."""
    if kind == STRING:
        return struct.pack("<I", kind) + text(content)
    return struct.pack("<I", kind) + struct.pack(_FORMS[kind], content)


def array(kind: int, items: Sequence[Any]) -> bytes:
    head = struct.pack("<IIQ", ARRAY, kind, len(items))
    if kind == STRING:
        return head + b"".join(text(item) for item in items)
    return head + b"".join(struct.pack(_FORMS[kind], item) for item in items)


def tensor(name: str | bytes, shape: Sequence[int], kind: int, offset: int) -> bytes:
    sizes = b"".join(struct.pack("<Q", size) for size in shape)
    tail = struct.pack("<IQ", kind, offset)
    return text(name) + struct.pack("<I", len(shape)) + sizes + tail


TOKENS = ("<unk>", "<s>", "</s>", "<0x0A>", "a", "b", "c", "ab")


def sound_values() -> dict[str, bytes]:
    """The keys of a small model that is all right."""
    return {
        "general.architecture": value(STRING, "llama"),
        "general.name": value(STRING, "tiny"),
        "llama.block_count": value(U32, 2),
        "llama.context_length": value(U32, 128),
        "llama.embedding_length": value(U32, 64),
        "llama.attention.head_count": value(U32, 4),
        "tokenizer.ggml.model": value(STRING, "llama"),
        "tokenizer.ggml.tokens": array(STRING, TOKENS),
        "tokenizer.ggml.scores": array(F32, [0.0] * len(TOKENS)),
        "tokenizer.ggml.token_type": array(I32, [2, 3, 3, 6, 1, 1, 1, 1]),
        "tokenizer.chat_template": value(STRING, "{{ messages }}"),
    }


@dataclass
class GgufFile:
    """Parts of a file; `bytes()` puts them together."""

    values: dict[str, bytes] = field(default_factory=sound_values)
    tensors: list[bytes] = field(
        default_factory=lambda: [
            tensor("token_embd.weight", (64, 8), 8, 0),
            tensor("output_norm.weight", (64,), 0, 544),
        ]
    )
    data_bytes: int = 544 + 256
    magic: bytes = b"GGUF"
    version: int = 3
    num_tensors: int | None = None
    num_values: int | None = None

    def header(self) -> bytes:
        counts = (
            len(self.tensors) if self.num_tensors is None else self.num_tensors,
            len(self.values) if self.num_values is None else self.num_values,
        )
        head = self.magic + struct.pack("<IQQ", self.version, *counts)
        keys = b"".join(text(name) + raw for name, raw in self.values.items())
        return head + keys + b"".join(self.tensors)

    def bytes(self) -> bytes:
        head = self.header()
        return head + bytes(-len(head) % 32) + bytes(i % 251 for i in range(self.data_bytes))

    def with_values(self, **changes: bytes) -> GgufFile:
        """Keys replaced; `__` stands for a dot."""
        self.values |= {name.replace("__", "."): raw for name, raw in changes.items()}
        return self


def sound(extra: int = 0, **changes: bytes) -> bytes:
    """A whole small model; `extra` bytes of weights make it longer."""
    model = GgufFile().with_values(**changes)
    if extra:
        count = -(-extra // 256) * 64
        model.tensors.append(tensor("output.weight", (count,), 0, 800))
        model.data_bytes += count * 4
    return model.bytes()
