# SPDX-License-Identifier: AGPL-3.0-only
"""Makes the `EngineConfig` of an engine from a path and keyword arguments."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict

from sentiric_llama.engine.arguments import refuse_unknown
from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.models import check_model
from sentiric_llama.types import EngineConfig


class EngineOptions(TypedDict, total=False):
    """The fields of `EngineConfig` except the path, for editors and type checkers."""

    contexts: int
    context_size: int
    batch_size: int
    physical_batch_size: int
    prefill_chunk: int
    itl_slo_ms: int
    stream_interval_ms: int
    compute_threads: int
    compute_threads_batch: int
    gpu_layers: int
    use_mmap: bool
    kv_offload: bool
    flash_attention: str
    kv_layout: str
    cache_type_k: str
    cache_type_v: str
    kv_cells: int
    prefix_cache: bool
    host_cache_bytes: int
    disk_cache_dir: str
    disk_cache_bytes: int
    speculation: str
    draft_model: str
    draft_gpu_layers: int
    deterministic: bool
    jump_forward: bool
    queue_limit: int
    queue_tokens: int
    queue_wait_ms: int
    reader_wait_ms: int
    tenant_weights: tuple[tuple[str, float], ...]
    lora_dir: str
    max_adapters: int
    chat_template: str
    embedding_pooling: str


def make_config(model: str | Path | EngineConfig, overrides: dict[str, Any]) -> EngineConfig:
    """The config of a path, or a config with fields replaced. Raises InvalidArgument.

    Without `context_size`, a path gets a context no longer than the model was trained with.
    """
    refuse_unknown(overrides, EngineOptions.__annotations__)
    if isinstance(model, EngineConfig):
        return replace(model, **overrides)
    config = EngineConfig(str(model), **overrides)
    return config if "context_size" in overrides else within_training(config)


def within_training(config: EngineConfig) -> EngineConfig:
    """Limits the context to what the model was trained with, if the file says so."""
    try:
        header = check_model(Path(config.model_path))
    except (OSError, SentiricLlamaError):
        return config  # opening the file will say what is wrong
    trained = header.number(f"{header.text('general.architecture')}.context_length")
    if not trained or trained >= config.context_size:
        return config
    return replace(config, context_size=int(trained))
