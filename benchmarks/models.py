# SPDX-License-Identifier: AGPL-3.0-only
"""Makes the model files, once: `python -m benchmarks models qwen2.5-0.5b:Q8_0`.

Weights are drawn block by block from a pool of quantised blocks, so that a model of 8 G weights
takes seconds. The same seed gives the same file.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt
from gguf import GGMLQuantizationType, LlamaFileType

from benchmarks import tools
from benchmarks.shapes import SHAPES, WRITTEN_DIRECTLY, ModelSpec, Shape
from benchmarks.vocabulary import FOLDER, Vocabulary, token_lengths

SEED = 20261122
RECIPE = 1
"""Raised when the same shape is to be made differently."""
_BLOCK = 32
_POOL = 2**16
_BIAS_PER_BYTE = 4.0

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


def model(spec: ModelSpec) -> Path:
    """The path of this model's file, which is made unless it is there."""
    path = FOLDER / f"{spec.name}.gguf"
    key = path.with_suffix(".key")
    wanted = _fingerprint(spec)
    if path.exists() and key.exists() and key.read_text() == wanted:
        return path
    FOLDER.mkdir(exist_ok=True)
    scratch = FOLDER / f".{spec.name}.{os.getpid()}"
    try:
        _make(spec, scratch)
        scratch.rename(path)  # whole or not at all
    finally:
        scratch.unlink(missing_ok=True)
    key.write_text(wanted)
    return path


def _fingerprint(spec: ModelSpec) -> str:
    """Another recipe makes another file."""
    return f"{RECIPE} {spec} {SHAPES[spec.shape]}"


def _make(spec: ModelSpec, path: Path) -> None:
    if spec.type in WRITTEN_DIRECTLY:
        write(spec, path)
        return
    source = model(ModelSpec(spec.shape, "Q8_0", spec.wiring))
    print(f"  quantising {spec.name}", file=sys.stderr)
    command = [str(tools.quantize()), str(source), str(path), spec.type]
    subprocess.run(command, check=True, capture_output=True)


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor before it is drawn."""

    name: str
    rows: int
    columns: int = 0
    """0 is a vector of float32."""
    draw: Callable[[], Bytes | Floats] | None = None
    scale: str = "weight"


class Pool:
    """Quantised blocks of N(0, std) to draw tensors from."""

    def __init__(self, kind: GGMLQuantizationType, seed: int) -> None:
        self.kind = kind
        self._random = np.random.RandomState(seed)  # unlike default_rng its stream never changes
        self._blocks: dict[str, Bytes] = {}

    def draw(self, rows: int, columns: int, scale: str) -> Bytes:
        """A matrix of quantised bytes."""
        blocks = self._scaled(scale)
        chosen = self._random.randint(0, _POOL, size=rows * columns // _BLOCK)
        return blocks[chosen].reshape(rows, -1)

    def _scaled(self, scale: str) -> Bytes:
        if scale not in self._blocks:
            values = self._random.standard_normal((_POOL, _BLOCK)).astype(np.float32)
            values *= {"weight": 0.02, "large": 1.0, "faint": 0.002}[scale]
            self._blocks[scale] = gguf.quants.quantize(values, self.kind)
        return self._blocks[scale]


def write(spec: ModelSpec, path: Path) -> None:
    """One GGUF file: tokenizer, shape, weights."""
    shape = SHAPES[spec.shape]
    writer = gguf.GGUFWriter(path, shape.architecture)
    writer.add_name(spec.name)
    vocabulary = Vocabulary.copy(shape, writer)
    _add_shape(writer, shape, vocabulary.size)
    writer.add_file_type(LlamaFileType[f"MOSTLY_{spec.type}"])
    pool = Pool(GGMLQuantizationType[spec.type], SEED)
    tensors = list(_tensors(spec, shape, vocabulary, pool))
    for tensor in tensors:
        _announce(writer, tensor, pool.kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    _write_weights(writer, tensors, pool, spec.name)
    writer.close()


def _announce(writer: gguf.GGUFWriter, tensor: Tensor, kind: GGMLQuantizationType) -> None:
    if tensor.columns == 0:
        size = 4 * tensor.rows
        writer.add_tensor_info(tensor.name, [tensor.rows], np.dtype(np.float32), size)
        return
    stored = gguf.quants.quant_shape_to_byte_shape((tensor.rows, tensor.columns), kind)
    size = int(np.prod(stored))
    writer.add_tensor_info(tensor.name, stored, np.dtype(np.uint8), size, raw_dtype=kind)


def _write_weights(writer: gguf.GGUFWriter, tensors: list[Tensor], pool: Pool, name: str) -> None:
    for number, tensor in enumerate(tensors, 1):
        if sys.stderr.isatty() or number % 64 == 0 or number == len(tensors):
            end = "\n" if number == len(tensors) or not sys.stderr.isatty() else "\r"
            print(f"  making {name}: {number}/{len(tensors)} tensors", end=end, file=sys.stderr)
        if tensor.draw is not None:
            data: Bytes | Floats = tensor.draw()
        elif tensor.columns == 0:
            data = np.ones(tensor.rows, dtype=np.float32)
        else:
            data = pool.draw(tensor.rows, tensor.columns, tensor.scale)
        writer.write_tensor_data(data)


def _add_shape(writer: gguf.GGUFWriter, shape: Shape, num_tokens: int) -> None:
    writer.add_vocab_size(num_tokens)
    writer.add_context_length(shape.context)
    writer.add_block_count(shape.layers)
    writer.add_embedding_length(shape.width)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_key_length(shape.head)
    writer.add_value_length(shape.head)
    writer.add_rope_dimension_count(shape.head)
    writer.add_rope_freq_base(1e6)
    writer.add_layer_norm_rms_eps(1e-6)
    if shape.window:
        writer.add_sliding_window(shape.window)


def _tensors(spec: ModelSpec, shape: Shape, vocabulary: Vocabulary, pool: Pool) -> Iterator[Tensor]:
    """Every tensor by its GGUF name: norms are one, biases zero, the rest is drawn."""
    yield from _ends(spec, shape, vocabulary, pool)
    # A model that recites lets the embedding of the last token through to the output.
    added = "faint" if spec.wiring == "recite" else "weight"
    for layer in range(shape.layers):
        yield from _layer(shape, f"blk.{layer}.", added)


def _ends(spec: ModelSpec, shape: Shape, vocabulary: Vocabulary, pool: Pool) -> Iterator[Tensor]:
    size, width = vocabulary.size, shape.width
    yield Tensor("output_norm.weight", width)
    if spec.wiring == "recite":
        embedding = pool.draw(size, width, "large")
        before = vocabulary.predecessors()
        yield Tensor("token_embd.weight", size, width, lambda: embedding)
        yield Tensor("output.weight", size, width, lambda: embedding[before])
        return
    yield Tensor("token_embd.weight", size, width)
    if not shape.tied:
        yield Tensor("output.weight", size, width)
    if spec.wiring == "long-words":
        lengths = _BIAS_PER_BYTE * token_lengths(vocabulary)
        yield Tensor("output.bias", size, draw=lambda: lengths)


def _layer(shape: Shape, name: str, added: str) -> Iterator[Tensor]:
    width, ffn = shape.width, shape.feed_forward
    queries, keys = shape.heads * shape.head, shape.kv_heads * shape.head
    yield Tensor(f"{name}attn_norm.weight", width)
    for part, rows in (("attn_q", queries), ("attn_k", keys), ("attn_v", keys)):
        yield Tensor(f"{name}{part}.weight", rows, width)
        if shape.architecture == "qwen2":
            yield Tensor(f"{name}{part}.bias", rows, draw=_zeros(rows))
    yield Tensor(f"{name}attn_output.weight", width, queries, scale=added)
    if shape.architecture == "gemma3":
        yield Tensor(f"{name}attn_q_norm.weight", shape.head)
        yield Tensor(f"{name}attn_k_norm.weight", shape.head)
        yield Tensor(f"{name}post_attention_norm.weight", width)
        yield Tensor(f"{name}post_ffw_norm.weight", width)
    yield Tensor(f"{name}ffn_norm.weight", width)
    yield Tensor(f"{name}ffn_gate.weight", ffn, width)
    yield Tensor(f"{name}ffn_up.weight", ffn, width)
    yield Tensor(f"{name}ffn_down.weight", width, ffn, scale=added)


def _zeros(size: int) -> Callable[[], Floats]:
    return lambda: np.zeros(size, dtype=np.float32)
