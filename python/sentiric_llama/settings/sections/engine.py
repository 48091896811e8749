# SPDX-License-Identifier: AGPL-3.0-only
"""How the engine computes: contexts, threads, caches, speculation, queue.

The engine checks ranges again (`cpp/engine/open.cpp`); a test proves that none of its ranges is
narrower than one here.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from sentiric_llama.settings.sections.kinds import Section, named

CacheType = Literal["f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl"]
PLAIN_CACHE_TYPES = ("f32", "f16", "bf16")
SMALLEST_CONTEXT = 16
LARGEST_CONTEXT = 2**20
SMALLEST_BATCH, LARGEST_BATCH = 32, 65536


def _check_context_size(value: int) -> int:
    if 0 < value < SMALLEST_CONTEXT:
        raise ValueError(f"0 or an integer {SMALLEST_CONTEXT}..{LARGEST_CONTEXT}")
    return value


class Engine(Section):
    """The configuration of the native engine, and how it is fitted into memory (`fit`)."""

    TITLE: ClassVar[str] = "Engine"

    isolation: Literal["process", "inprocess"] = Field(
        "process",
        description="run the engine in a process of its own, so that a crash does not stop the "
        "server, or inside the server",
    )
    contexts: int = Field(
        4,
        ge=1,
        le=256,
        validation_alias=named("CONTEXTS", "THREADS", "MAX_BATCH_SIZE"),
        description="requests that run concurrently (slots)",
    )
    context_size: Annotated[int, AfterValidator(_check_context_size)] = Field(
        4096,
        ge=0,
        le=LARGEST_CONTEXT,
        description="tokens per context; 0 for the length the model was trained with",
    )
    compute_threads: int = Field(
        0, ge=0, le=1024, description="CPU threads; 0 for one per CPU that the process may use"
    )
    compute_threads_batch: int = Field(
        0,
        ge=0,
        le=1024,
        validation_alias=named("COMPUTE_THREADS_BATCH", "THREADS_BATCH"),
        description="CPU threads for prompts; 0 for COMPUTE_THREADS",
    )
    fit: Literal["refuse", "auto", "off"] = Field(
        "refuse",
        description="when the memory is too small: refuse to start, shrink the configuration "
        "(auto), or try it all the same (off)",
    )
    gpu_layers: int = Field(-1, ge=-1, le=10_000, description="layers on the GPU; -1 for all")
    use_mmap: bool = Field(True, description="map the model file into memory")
    kv_offload: bool = Field(True, description="keep the KV cache on the GPU")
    batch_size: int = Field(
        2048,
        ge=SMALLEST_BATCH,
        le=LARGEST_BATCH,
        description="maximum number of tokens per decode call",
    )
    physical_batch_size: int = Field(
        512, ge=SMALLEST_BATCH, le=LARGEST_BATCH, description="tokens computed at once"
    )
    prefill_chunk: int = Field(
        0,
        ge=0,
        le=LARGEST_BATCH,
        description="prompt tokens per step while other requests decode; 0 for automatic",
    )
    flash_attention: Literal["auto", "on", "off"] = Field(
        "auto", description="flash attention; auto is on with a GPU"
    )
    kv_layout: Literal["auto", "unified", "split"] = Field(
        "auto", description="one KV buffer for all contexts, or one per context"
    )
    cache_type_k: CacheType = Field("f16", description="data type of the K cache")
    cache_type_v: CacheType = Field(
        "f16", description="data type of the V cache; quantized types need flash attention"
    )
    stream_interval_ms: int = Field(
        20,
        ge=0,
        le=1000,
        description="minimum interval between stream events; the first and the last are sent "
        "immediately",
    )
    itl_slo_ms: int = Field(
        -1,
        ge=-1,
        le=600_000,
        description="target inter-token latency while prompts are processed; -1 for 200 ms, on a "
        "GPU 50 ms, 0 for none",
    )
    kv_cells: int = Field(
        0,
        ge=0,
        le=2**28,
        description="tokens in a unified KV cache; 0 for all contexts in full",
    )
    prefix_cache: bool = Field(True, description="compute shared prompt prefixes only once")
    host_cache_bytes: int = Field(
        -1, ge=-1, le=2**40, description="RAM for evicted KV state; -1 for automatic, 0 for none"
    )
    disk_cache_dir: str = Field(
        "", description="directory for prefix KV state that survives restarts"
    )
    disk_cache_bytes: int = Field(
        4 * 2**30, ge=0, le=2**50, description="maximum size of the disk cache; 0 for none"
    )

    speculation: Literal["auto", "off", "ngram", "draft"] = Field(
        "auto",
        description="speculative decoding by n-gram lookup (ngram) or by DRAFT_MODEL (draft); "
        "auto enables it on GPUs and wherever it cannot change the output",
    )
    draft_model: str = Field(
        "",
        description="smaller model with the same vocabulary for speculative decoding, named like "
        "MODEL_ID",
    )
    draft_gpu_layers: int = Field(
        -1, ge=-1, le=10_000, description="layers of the draft model on the GPU; -1 for all"
    )
    deterministic: bool = Field(
        False,
        description="bit-exact output regardless of load; reuses less of the prefix cache and "
        "disables speculation",
    )
    jump_forward: bool = Field(
        True, description="emit text that a grammar forces without sampling it"
    )
    queue_tokens: int = Field(
        0, ge=0, le=2**40, description="maximum number of queued prompt tokens; 0 for no limit"
    )
    queue_limit: int = Field(
        0, ge=0, le=100_000, description="maximum number of queued requests; 0 for 16 per context"
    )
    queue_wait_ms: int = Field(
        30_000, ge=0, le=3_600_000, description="maximum time in the queue; 0 for no limit"
    )
    reader_wait_ms: int = Field(
        30_000,
        ge=0,
        le=86_400_000,
        description="how long a request keeps its context while its client reads nothing; then "
        "the request fails; 0 for no limit. HTTP and gRPC also end a request whose client takes "
        "no byte for 30 s",
    )
