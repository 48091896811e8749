# SPDX-License-Identifier: AGPL-3.0-only
"""What a model and its contexts take at the least, out of the file's header alone.

Arithmetic on numbers that were checked: a configuration that is far too large is refused without a
line of native code. A kind of model whose cache is not known here counts with its weights only, so
that the bound is never above what llama.cpp takes; a test compares the table with its sources.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.gguf.header import Header, Tensor
from sentiric_llama.gguf.rules import check_model
from sentiric_llama.gguf.types import TENSOR_TYPES, TensorType
from sentiric_llama.models.choice import shard_names
from sentiric_llama.types import EngineConfig

PLAIN = frozenset(
    {
        *("llama", "qwen2", "qwen2moe", "qwen3", "qwen3moe", "gemma", "mistral3", "granite"),
        *("granitemoe", "olmo", "olmoe", "internlm2", "baichuan", "command-r", "starcoder2"),
        *("smollm3", "seed_oss", "ernie4_5", "exaone", "nemotron", "arcee"),
        *("apertus", "hunyuan-moe", "stablelm", "phi2", "gpt2", "falcon"),
    }
)
"""Architectures that keep keys and values of every token in every layer."""
WINDOWED = {"gemma2": 2, "gemma3": 6, "gpt-oss": 2, "cohere2": 4}
"""Architectures of which one layer in so many keeps every token; the others count as nothing."""
CELL_BYTES = 48 + 2 * 48
"""llama.cpp's bookkeeping for each cell; the same in `backend/decode/memory_plan.cpp`."""

_CELL_STEP = 256
_MAX_CELLS = 1 << 30
_MAX_SEQUENCES = 256
_SPECIAL = ("sliding_window", "kv_lora_rank", "key_length_mla", "shared_kv_layers", "ssm.")
_CACHE_TYPES = ("F32", "F16", "BF16", "Q8_0", "Q5_1", "Q5_0", "Q4_1", "Q4_0", "IQ4_NL")
_TYPES = {kind.name: kind for kind in TENSOR_TYPES.values() if kind.name in _CACHE_TYPES}


@dataclass(frozen=True, slots=True)
class LeastMemory:
    """Bytes, on all devices together; `context_size` as the engine would resolve it."""

    weights: int
    cache: int
    notes: int
    """The library's own notes of cells, and a row of logits for each context."""
    context_size: int
    context_train: int


def least_memory(config: EngineConfig) -> LeastMemory | None:
    """The bound. None for a file or a configuration that native code will refuse by itself."""
    try:
        headers = [check_model(path) for path in _parts(Path(config.model_path))]
    except SentiricLlamaError:
        return None
    first = headers[0]
    trained = _number(first, "context_length") or 0
    size = config.context_size or trained
    cells = _padded(config.kv_cells) or _padded(size) * config.contexts
    types = [_TYPES.get(name.upper()) for name in (config.cache_type_k, config.cache_type_v)]
    if size < 1 or config.contexts < 1 or not 0 < cells <= _MAX_CELLS or None in types:
        return None
    tokens = first.array("tokenizer.ggml.tokens")
    logits = 4 * (tokens.count if tokens else 0) * min(config.contexts, _MAX_SEQUENCES)
    return LeastMemory(
        weights=sum(tensor.size_bytes for header in headers for tensor in _loaded(header, first)),
        cache=_cache_bytes(first, cells, [kind for kind in types if kind]),
        notes=cells * CELL_BYTES + logits if _layers_with_cache(first) else logits,
        context_size=size,
        context_train=trained,
    )


def _parts(path: Path) -> list[Path]:
    return [path.with_name(name) for name in shard_names(path.name)]


def _loaded(header: Header, first: Header) -> Iterable[Tensor]:
    """Tensors but those of layers for guessing ahead, which the library leaves out."""
    blocks = (_number(first, "block_count") or 0) - (_number(first, "nextn_predict_layers") or 0)
    for tensor in header.tensors:
        kind, _, rest = tensor.name.partition(".")
        block = rest.partition(".")[0]
        if "nextn" in tensor.name or "mtp" in tensor.name:
            continue
        if not (kind == "blk" and block.isdecimal() and int(block) >= blocks):
            yield tensor


def _layers_with_cache(header: Header) -> int:
    """Layers that surely keep keys and values of each token."""
    layers = _number(header, "block_count") or 0
    keys = " ".join(header.values)
    architecture = header.text("general.architecture")
    if architecture in WINDOWED and f"{architecture}.attention.sliding_window_pattern" not in keys:
        return layers // WINDOWED[architecture]
    is_special = any(word in keys for word in _SPECIAL)
    return layers if architecture in PLAIN and not is_special else 0


def _cache_bytes(header: Header, cells: int, types: list[TensorType]) -> int:
    heads = _number(header, "attention.head_count") or 0
    # Values of their own for each layer are no single number: counted as nothing.
    is_listed = header.array(f"{header.text('general.architecture')}.attention.head_count_kv")
    kv_heads = _number(header, "attention.head_count_kv") or (0 if is_listed else heads)
    own_length = (_number(header, "embedding_length") or 0) // heads if heads else 0
    total = 0
    for kind, key in zip(types, ("attention.key_length", "attention.value_length"), strict=True):
        width = kv_heads * (_number(header, key) or own_length)
        total += width // kind.items * kind.size
    return total * cells * _layers_with_cache(header)


def _number(header: Header, key: str) -> int | None:
    return header.number(f"{header.text('general.architecture')}.{key}")


def _padded(size: int) -> int:
    return -(-size // _CELL_STEP) * _CELL_STEP
