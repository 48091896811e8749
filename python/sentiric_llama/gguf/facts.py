# SPDX-License-Identifier: AGPL-3.0-only
"""What a model file says about itself, in the words people ask with."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentiric_llama.gguf.header import Array, Header
from sentiric_llama.gguf.rules import check_model


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """Sizes in bytes; 0 and "" where the file does not say."""

    path: str
    size_bytes: int
    parts: int
    name: str
    architecture: str
    quantization: str
    """The format that holds most of the weights."""
    parameters: int
    context_length: int
    layers: int
    embedding_length: int
    heads: int
    kv_heads: int
    vocabulary: int
    tokenizer: str
    has_chat_template: bool
    licence: str


def facts_of(paths: list[Path]) -> ModelFacts:
    """Of a file, or of all parts of a model. Raises ModelNotFound or ModelInvalid."""
    headers = [check_model(path) for path in paths]
    first = headers[0]
    architecture = first.text("general.architecture")
    shape = {key: _number(first, f"{architecture}.{name}") for key, name in _SHAPE.items()}
    tokens = first.array("tokenizer.ggml.tokens")
    return ModelFacts(
        path=str(paths[0]),
        size_bytes=sum(header.file_bytes for header in headers),
        parts=len(paths),
        name=first.text("general.name"),
        architecture=architecture,
        quantization=_quantization(headers),
        parameters=sum(tensor.elements for header in headers for tensor in header.tensors),
        vocabulary=tokens.count if tokens else 0,
        tokenizer=first.text("tokenizer.ggml.model"),
        has_chat_template="tokenizer.chat_template" in first.values,
        licence=first.text("general.license"),
        **shape,
    )


def all_values(path: Path) -> dict[str, Any]:
    """Every key of the file; arrays as their length."""
    values = check_model(path).values
    return {
        key: f"[{value.count} items]" if isinstance(value, Array) else value
        for key, value in values.items()
    }


_SHAPE = {
    "context_length": "context_length",
    "layers": "block_count",
    "embedding_length": "embedding_length",
    "heads": "attention.head_count",
    "kv_heads": "attention.head_count_kv",
}


def _number(header: Header, key: str) -> int:
    return header.number(key) or 0


def _quantization(headers: list[Header]) -> str:
    sizes: Counter[str] = Counter()
    for header in headers:
        for tensor in header.tensors:
            sizes[tensor.type.name] += tensor.size_bytes
    return sizes.most_common(1)[0][0] if sizes else ""
