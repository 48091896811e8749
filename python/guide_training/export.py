# SPDX-License-Identifier: AGPL-3.0-only
"""Writes the guide as a GGUF file and reads it back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType, GGUFReader, GGUFWriter, TokenType
from tokenizers import Tokenizer

from guide_training import tokenizer as bpe
from guide_training.model import Guide, GuideConfig

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def _add_description(writer: GGUFWriter) -> None:
    writer.add_name("Sentiric guide")
    writer.add_basename("sentiric-guide")
    writer.add_description("Built-in demo model that answers questions about its service")
    writer.add_license("AGPL-3.0-only")
    writer.add_languages(["en", "tr"])
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)


def _add_shape(writer: GGUFWriter, config: GuideConfig) -> None:
    writer.add_vocab_size(config.vocabulary)
    writer.add_context_length(config.context)
    writer.add_embedding_length(config.width)
    writer.add_block_count(config.layers)
    writer.add_feed_forward_length(config.ffn)
    writer.add_head_count(config.heads)
    writer.add_head_count_kv(config.heads)
    writer.add_layer_norm_rms_eps(config.norm_eps)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_rope_freq_base(config.rope_base)


def _add_tokenizer(writer: GGUFWriter, tokenizer: Tokenizer) -> None:
    by_id = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    texts = [text for text, _ in by_id]
    merges: list[list[str]] = json.loads(tokenizer.to_str())["model"]["merges"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(bpe.PRE_TOKENIZER)
    writer.add_token_list(texts)
    writer.add_token_types(
        [TokenType.CONTROL if text in bpe.SPECIAL else TokenType.NORMAL for text in texts]
    )
    writer.add_token_merges([" ".join(pair) for pair in merges])
    writer.add_bos_token_id(bpe.token_id(tokenizer, bpe.END_OF_TEXT))
    writer.add_eos_token_id(bpe.token_id(tokenizer, bpe.END))
    writer.add_eot_token_id(bpe.token_id(tokenizer, bpe.END))
    writer.add_pad_token_id(bpe.token_id(tokenizer, bpe.END_OF_TEXT))
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHAT_TEMPLATE)


def export(model: Guide, tokenizer: Tokenizer, path: Path) -> None:
    """Write matrices as Q8_0, norms as F32; the tied output matrix is left out."""
    writer = GGUFWriter(path, "llama")
    _add_description(writer)
    _add_shape(writer, model.config)
    _add_tokenizer(writer, tokenizer)
    for name, value in model.state_dict().items():
        data = value.detach().float().cpu().numpy()
        if data.ndim == 1:
            writer.add_tensor(name, data)
        else:
            kind = GGMLQuantizationType.Q8_0
            writer.add_tensor(name, gguf.quants.quantize(data, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _config(reader: GGUFReader) -> GuideConfig:
    def value(key: str) -> Any:
        field = reader.get_field(f"llama.{key}")
        if field is None:
            raise ValueError(f"[guide] the file has no llama.{key}")
        return field.contents()

    return GuideConfig(
        vocabulary=value("vocab_size"),
        width=value("embedding_length"),
        layers=value("block_count"),
        heads=value("attention.head_count"),
        ffn=value("feed_forward_length"),
        context=value("context_length"),
        rope_base=value("rope.freq_base"),
        norm_eps=value("attention.layer_norm_rms_epsilon"),
    )


def load(path: Path) -> tuple[Guide, Tokenizer]:
    """The model and tokenizer that the file holds, with the rounding of Q8_0 in the weights."""
    reader = GGUFReader(path)
    model = Guide(_config(reader))
    state = {
        tensor.name: torch.from_numpy(
            np.array(gguf.quants.dequantize(tensor.data, tensor.tensor_type), dtype=np.float32)
        )
        for tensor in reader.tensors
    }
    model.load_state_dict(state)
    texts = reader.fields["tokenizer.ggml.tokens"].contents()
    pairs = [merge.split(" ") for merge in reader.fields["tokenizer.ggml.merges"].contents()]
    vocabulary = {text: index for index, text in enumerate(texts)}
    tokenizer = bpe.from_parts(vocabulary, [(left, right) for left, right in pairs])
    return model.eval(), tokenizer
