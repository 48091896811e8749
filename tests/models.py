# SPDX-License-Identifier: AGPL-3.0-only
"""Tiny models with random weights and real vocabularies, made when a test asks for them.

`python tests/models.py [name ...]` builds them by hand. It needs the package `gguf`, which the
`test` extra installs (`make test`, or `pip install gguf`). A file is made again when this script
changes. The weights come from a frozen random stream: the same everywhere, so that greedy decodes
can be compared with recorded ones.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

try:
    import gguf
    import numpy as np
    import numpy.typing as npt
    from gguf import GGMLQuantizationType, LlamaFileType
except ImportError as error:
    text = f"tests/models.py needs the package {error.name}: make test installs it, or pip install"
    raise ImportError(f"{text} {error.name}", name=error.name) from None

ROOT = Path(__file__).parent
FOLDER = ROOT / ".models"
VENDORED = ROOT.parent / "vendor" / "llama.cpp" / "models"
SCRIPT = Path(__file__).read_bytes()

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Recipe:
    """An architecture over one of the vendored vocabularies."""

    architecture: str = "llama"
    type: str = "Q8_0"
    vocabulary: str = "llama-spm"
    template: str = ""
    layers: int = 4
    width: int = 256
    feed_forward: int = 704
    heads: int = 8
    kv_heads: int = 4
    context: int = 8192
    seed: int = 20261122
    marks: tuple[str, ...] = ()
    """Tokens that take the places of the last ones of the vocabulary."""
    marks_are: str = "CONTROL"
    pooling: str = ""
    """How the file says that its embeddings are made; empty = it does not say."""


def small(vocabulary: str = "llama-spm", template: str = "") -> Recipe:
    """For speed, and for vocabularies that are large by themselves."""
    return Recipe(
        vocabulary=vocabulary,
        template=template,
        layers=2,
        width=64,
        feed_forward=192,
        heads=4,
        kv_heads=2,
    )


MARKS = (
    *("<tool_call>", "</tool_call>", "<function=", "</function>", "<parameter=", "</parameter>"),
    *("<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>", "<think>", "</think>"),
    *("｜DSML｜", "[TOOL_CALLS]", "[ARGS]", "[CALL_ID]", "<|python_tag|>", '<|"|>'),
    *("<|tool_call>", "<tool_call|>", "<start_function_call>", "<end_function_call>", "<escape>"),
    *("<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>", "<｜tool▁call▁begin｜>"),
    *("<｜tool▁call▁end｜>", "<｜tool▁sep｜>", "<|START_ACTION|>", "<|END_ACTION|>"),
    *("<|tool_calls_section_begin|>", "<|tool_calls_section_end|>", "<|tool_call_begin|>"),
    *("<|tool_call_argument_begin|>", "<|tool_call_end|>", "<|start|>", "<|end|>"),
    *("<|channel|>", "<|message|>", "<|constrain|>"),
)
"""What models write calls and thoughts with."""

RECIPES = {
    "tiny-q8_0": Recipe(type="Q8_0"),
    "tiny-f16": Recipe(type="F16"),
    "tiny-q4_0": Recipe(type="Q4_0"),
    "mamba-q8_0": Recipe("mamba", layers=2, width=64),  # a state that cannot be cut
    "small-q8_0": small(),
    "marks-q8_0": replace(small(), marks=MARKS),
    "user-marks-q8_0": replace(small(), marks=MARKS, marks_are="USER_DEFINED"),
    "llama3-q8_0": small("llama-bpe", "meta-llama-Llama-3.1-8B-Instruct.jinja"),
    # Shapes whose memory is planned and measured: the least, deep and narrow, wide and shallow.
    "least-q8_0": Recipe(layers=1, width=32, feed_forward=32, heads=1, kv_heads=1),
    "deep-q8_0": Recipe(layers=16, width=256, feed_forward=512, heads=4, kv_heads=4),
    "wide-f16": Recipe(type="F16", layers=2, width=768, feed_forward=3072, heads=12, kv_heads=2),
    "qwen2-q8_0": small("qwen2", "Qwen-Qwen2.5-7B-Instruct.jinja"),
    "qwen2-32k-q8_0": replace(small("qwen2", "Qwen-Qwen2.5-7B-Instruct.jinja"), context=32_768),
    # An encoder, which sees what follows too, and a model that gives scores instead of vectors.
    "bert-f16": replace(
        small("bert-bge"), architecture="bert", type="F16", kv_heads=4, context=512, pooling="CLS"
    ),
    "ranker-q8_0": replace(small(), pooling="RANK"),
    "infill-q8_0": replace(small(), marks=("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")),
}


def model(name: str) -> Path:
    """The path of this model's file, which is built unless it is there."""
    recipe = RECIPES[name]
    path = FOLDER / f"{name}.gguf"
    key = FOLDER / f"{name}.key"
    wanted = hashlib.sha256(SCRIPT).hexdigest()
    if path.exists() and key.exists() and key.read_text() == wanted:
        return path
    FOLDER.mkdir(exist_ok=True)
    scratch = FOLDER / f".{name}.{os.getpid()}"
    write(recipe, name, scratch)
    scratch.rename(path)  # whole or not at all, also when two runs build at once
    key.write_text(wanted)
    return path


def write(recipe: Recipe, name: str, path: Path) -> None:
    """One GGUF file: what the tokenizer needs, the shape, the weights."""
    vocabulary = gguf.GGUFReader(VENDORED / f"ggml-vocab-{recipe.vocabulary}.gguf")
    writer = gguf.GGUFWriter(path, recipe.architecture)
    writer.add_name(name)
    num_tokens = copy_tokenizer(vocabulary, writer, recipe.marks, recipe.marks_are)
    if recipe.template:
        text = (VENDORED / "templates" / recipe.template).read_text(encoding="utf-8")
        writer.add_chat_template(text)
    add_shape(writer, recipe, num_tokens)
    kind = GGMLQuantizationType[recipe.type]
    made = {"mamba": mamba_weights, "bert": bert_weights}.get(recipe.architecture, weights)
    for tensor, values in made(recipe, num_tokens):
        if values.ndim == 1 or values.shape[1] < 32 or tensor in PLAIN:
            writer.add_tensor(tensor, values)
        else:
            writer.add_tensor(tensor, gguf.quants.quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def copy_tokenizer(
    vocabulary: gguf.GGUFReader,
    writer: gguf.GGUFWriter,
    marks: tuple[str, ...] = (),
    marks_are: str = "CONTROL",
) -> int:
    """Copies every tokenizer.* value but a chat template. Returns the number of tokens."""
    num_tokens = 0
    for field in vocabulary.fields.values():
        if not field.name.startswith("tokenizer.") or field.name == "tokenizer.chat_template":
            continue
        kind, *element = field.types
        value = field.contents()
        if marks and field.name == "tokenizer.ggml.tokens":
            value[-len(marks) :] = marks
        if marks and field.name == "tokenizer.ggml.token_type":
            value[-len(marks) :] = [gguf.TokenType[marks_are]] * len(marks)
        writer.add_key_value(field.name, value, kind, element[0] if element else None)
        if field.name == "tokenizer.ggml.tokens":
            num_tokens = len(field.data)
    return num_tokens


def add_shape(writer: gguf.GGUFWriter, recipe: Recipe, num_tokens: int) -> None:
    """The hyperparameters of the architecture."""
    writer.add_file_type(LlamaFileType[f"MOSTLY_{recipe.type}"])
    writer.add_vocab_size(num_tokens)
    writer.add_context_length(recipe.context)
    writer.add_block_count(recipe.layers)
    writer.add_embedding_length(recipe.width)
    writer.add_layer_norm_rms_eps(1e-5)
    if recipe.pooling:
        writer.add_pooling_type(gguf.PoolingType[recipe.pooling])
    if recipe.architecture == "mamba":
        writer.add_ssm_conv_kernel(CONVOLUTION)
        writer.add_ssm_inner_size(2 * recipe.width)
        writer.add_ssm_state_size(STATE)
        writer.add_ssm_time_step_rank(TIME_STEP)
        return
    writer.add_feed_forward_length(recipe.feed_forward)
    writer.add_head_count(recipe.heads)
    writer.add_head_count_kv(recipe.kv_heads)
    if recipe.architecture == "bert":
        writer.add_layer_norm_eps(1e-12)
        writer.add_causal_attention(False)
        return
    writer.add_rope_dimension_count(recipe.width // recipe.heads)


def weights(recipe: Recipe, num_tokens: int) -> Iterator[tuple[str, Array]]:
    """Every tensor by its GGUF name: norms are one, the rest is N(0, 0.05)."""
    random = np.random.RandomState(recipe.seed)  # unlike default_rng its stream never changes
    width, ffn = recipe.width, recipe.feed_forward
    kv_width = width // recipe.heads * recipe.kv_heads

    def matrix(rows: int, columns: int = width) -> Array:
        return (0.05 * random.standard_normal((rows, columns))).astype(np.float32)

    norm: Array = np.ones(width, dtype=np.float32)
    yield "token_embd.weight", matrix(num_tokens)
    for layer in range(recipe.layers):
        for part, values in (
            ("attn_norm", norm),
            ("attn_q", matrix(width)),
            ("attn_k", matrix(kv_width)),
            ("attn_v", matrix(kv_width)),
            ("attn_output", matrix(width)),
            ("ffn_norm", norm),
            ("ffn_gate", matrix(ffn)),
            ("ffn_up", matrix(ffn)),
            ("ffn_down", matrix(width, ffn)),
        ):
            yield f"blk.{layer}.{part}.weight", values
    yield "output_norm.weight", norm
    yield "output.weight", matrix(num_tokens)


CONVOLUTION, STATE, TIME_STEP = 4, 16, 4
"""Of the state space layers: columns that are too few to be quantised."""


def mamba_weights(recipe: Recipe, num_tokens: int) -> Iterator[tuple[str, Array]]:
    """Every tensor of a Mamba model; the state forgets slowly, as that of a trained one."""
    random = np.random.RandomState(recipe.seed)
    width, inner = recipe.width, 2 * recipe.width

    def matrix(rows: int, columns: int, size: float = 0.1) -> Array:
        return (size * random.standard_normal((rows, columns))).astype(np.float32)

    norm: Array = np.ones(width, dtype=np.float32)
    decay = -np.tile(np.arange(1, STATE + 1, dtype=np.float32), (inner, 1))
    yield "token_embd.weight", matrix(num_tokens, width)
    for layer in range(recipe.layers):
        for part, values in (
            ("attn_norm.weight", norm),
            ("ssm_in.weight", matrix(2 * inner, width)),
            ("ssm_conv1d.weight", matrix(inner, CONVOLUTION, 0.5)),
            ("ssm_conv1d.bias", matrix(1, inner)[0]),
            ("ssm_x.weight", matrix(TIME_STEP + 2 * STATE, inner)),
            ("ssm_dt.weight", matrix(inner, TIME_STEP)),
            ("ssm_dt.bias", np.full(inner, -4.0, dtype=np.float32)),
            ("ssm_a", decay),
            ("ssm_d", np.ones(inner, dtype=np.float32)),
            ("ssm_out.weight", matrix(width, inner)),
        ):
            yield f"blk.{layer}.{part}", values
    yield "output_norm.weight", norm
    yield "output.weight", matrix(num_tokens, width)


PLAIN = {"token_types.weight", "position_embd.weight"}
"""Tensors that are added to others, never multiplied."""


def bert_weights(recipe: Recipe, num_tokens: int) -> Iterator[tuple[str, Array]]:
    """Every tensor of a BERT encoder: with biases, learned positions and types of tokens."""
    random = np.random.RandomState(recipe.seed)
    width, ffn = recipe.width, recipe.feed_forward

    def values(*shape: int) -> Array:
        return (0.1 * random.standard_normal(shape)).astype(np.float32)

    def norm(name: str) -> Iterator[tuple[str, Array]]:
        yield f"{name}.weight", 1 + values(width)
        yield f"{name}.bias", values(width)

    yield "token_embd.weight", values(num_tokens, width)
    yield "token_types.weight", values(2, width)
    yield "position_embd.weight", values(recipe.context, width)
    yield from norm("token_embd_norm")
    for layer in range(recipe.layers):
        for part, rows, columns in (
            *((name, width, width) for name in ("attn_q", "attn_k", "attn_v", "attn_output")),
            ("ffn_up", ffn, width),
            ("ffn_down", width, ffn),
        ):
            yield f"blk.{layer}.{part}.weight", values(rows, columns)
            yield f"blk.{layer}.{part}.bias", values(rows)
        for part in ("attn_output_norm", "layer_output_norm"):
            yield from norm(f"blk.{layer}.{part}")


def adapter(name: str, base: str, path: Path) -> Path:
    """A LoRA adapter of rank 4 with random weights, the same for the same name."""
    recipe = RECIPES[base]
    random = np.random.RandomState(int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]))
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 4.0)
    for layer in range(recipe.layers):
        for part in ("attn_q", "attn_output"):
            for side, shape in (("a", (4, recipe.width)), ("b", (recipe.width, 4))):
                values = (0.5 * random.standard_normal(shape)).astype(np.float32)
                writer.add_tensor(f"blk.{layer}.{part}.weight.lora_{side}", values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def main() -> None:
    """Makes the models that are named, or all."""
    import argparse  # the tests do not need it

    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    known = f"any of {', '.join(RECIPES)} (default: all)"
    parser.add_argument("names", nargs="*", metavar="NAME", help=known)
    names = parser.parse_args().names
    if unknown := sorted({*names} - RECIPES.keys()):
        parser.error(f"unknown: {', '.join(unknown)}; allowed {known}")
    for name in names or RECIPES:
        print(model(name))


if __name__ == "__main__":
    main()
