# SPDX-License-Identifier: AGPL-3.0-only
"""An engine's configuration, and what it reports about itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Capacity:
    """How many contexts are in use and free. `available == total - active` once a model is open."""

    active: int
    total: int
    available: int

    @property
    def has_capacity(self) -> bool:
        return self.available > 0


@dataclass(frozen=True, slots=True)
class Device:
    """A device that the build can compute on. `free` and `total` are bytes, 0 if unknown."""

    name: str
    description: str
    kind: Literal["cpu", "gpu", "igpu", "accelerator", "meta"]
    free: int
    total: int

    @property
    def is_gpu(self) -> bool:
        """True for a discrete or integrated GPU."""
        return self.kind in ("gpu", "igpu")

    @property
    def reports_gpu_memory(self) -> bool:
        """True for a GPU that reports how much memory it has."""
        return self.is_gpu and self.total > 0

    @property
    def used(self) -> int:
        return self.total - self.free


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """What to load and how. Mirrors the struct in `cpp/include/sentiric/engine.h`."""

    model_path: str
    contexts: int = 4
    context_size: int = 4096
    batch_size: int = 2048
    physical_batch_size: int = 512
    prefill_chunk: int = 0
    itl_slo_ms: int = -1
    stream_interval_ms: int = 0
    compute_threads: int = 0
    compute_threads_batch: int = 0
    gpu_layers: int = -1
    use_mmap: bool = True
    kv_offload: bool = True
    flash_attention: str = "auto"
    kv_layout: str = "auto"
    cache_type_k: str = "f16"
    cache_type_v: str = "f16"
    kv_cells: int = 0
    prefix_cache: bool = True
    host_cache_bytes: int = -1
    disk_cache_dir: str = ""
    disk_cache_bytes: int = 4 * 2**30
    speculation: str = "auto"
    draft_model: str = ""
    draft_gpu_layers: int = -1
    deterministic: bool = False
    jump_forward: bool = True
    queue_limit: int = 0
    queue_tokens: int = 0
    queue_wait_ms: int = 30_000
    reader_wait_ms: int = 30_000
    tenant_weights: tuple[tuple[str, float], ...] = ()
    lora_dir: str = ""
    max_adapters: int = 8
    chat_template: str = ""
    embedding_pooling: str = "auto"


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """The loaded model and its buffers."""

    path: str
    name: str
    architecture: str
    quantization: str
    description: str
    chat_template_source: str
    chat_template: str
    template_tools: bool
    """The template shows tools, and the calls in earlier messages."""
    template_reasoning: bool
    """The template shows earlier reasoning, at least when asked to."""
    size_bytes: int
    num_params: int
    num_vocab: int
    num_embd: int
    num_layers: int
    context_train: int
    context_size: int
    contexts: int
    batch_size: int
    physical_batch_size: int
    compute_threads: int
    can_shift: bool
    kv_layout: str
    flash_attention: str
    backend: str
    speculation: str
    """How tokens are drafted: "draft", "ngram" or "off"."""
    bos: int
    eos: int
    infill_prefix: int = -1
    """What a prompt for text between two others is made of; -1 if the vocabulary has none."""
    infill_suffix: int = -1
    infill_middle: int = -1
    can_generate: bool = True
    """False for an encoder, which computes embeddings only."""

    @property
    def meta(self) -> dict[str, int | str]:
        """The model under llama-server's names, as in `/v1/models`."""
        return {
            "n_vocab": self.num_vocab,
            "n_ctx": self.context_size,
            "n_ctx_train": self.context_train,
            "n_embd": self.num_embd,
            "n_params": self.num_params,
            "size": self.size_bytes,
            "ftype": self.quantization,
        }


@dataclass(frozen=True, slots=True)
class EngineStats:
    """Counters since the engine opened, and gauges of now."""

    requests_submitted: int = 0
    requests_completed: int = 0
    requests_cancelled: int = 0
    requests_failed: int = 0
    requests_rejected: int = 0
    steps: int = 0
    decode_calls: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    prefix_hits: int = 0
    prefix_hits_host: int = 0
    prefix_hits_disk: int = 0
    prefix_copies: int = 0
    prefix_evictions: int = 0
    prefix_checkpoints: int = 0
    disk_cache_saves: int = 0
    disk_cache_failures: int = 0
    preemptions: int = 0
    resumes: int = 0
    generated_tokens: int = 0
    jumped_tokens: int = 0
    shifts: int = 0
    shifted_tokens: int = 0
    kv_full_retries: int = 0
    grammar_cache_hits: int = 0
    grammar_cache_misses: int = 0
    event_batches: int = 0
    drafted_tokens: int = 0
    accepted_draft_tokens: int = 0
    embedded_inputs: int = 0
    repetitions: int = 0
    draft_failures: int = 0
    queued: int = 0
    preparing: int = 0
    prefilling: int = 0
    decoding: int = 0
    waiting: int = 0
    reader_waits: int = 0
    queued_tokens: int = 0
    kv_cells: int = 0
    kv_tokens: int = 0
    resting_tokens: int = 0
    resting_sequences: int = 0
    host_cache_bytes: int = 0
    disk_cache_bytes: int = 0
    prefill_budget: int = 0
    adapters_loaded: int = 0
    step_error: float = 0.0
    request_ms_mean: float = 0.0
    step_ms_mean: float = 0.0
