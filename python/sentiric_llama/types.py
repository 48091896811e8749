# SPDX-License-Identifier: AGPL-3.0-only
"""Plain values of the Python face: what a request asks for and what comes back.

Field names and ranges are those of `cpp/include/sentiric/types.h`, which checks them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from sentiric_llama.errors import InternalError

FinishReason = Literal["stop", "length", "cancelled", "error"]
Truncation = Literal["drop_turns", "shift", "error"]
Priority = Literal["realtime", "normal", "batch"]
GrammarKind = Literal["none", "gbnf", "json_schema", "json_object"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation. The content is never parsed for special tokens."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class SamplingParams:
    """How tokens are chosen. Out-of-range values raise InvalidArgument at submit."""

    temperature: float = 0.8
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    typical_p: float = 1.0
    repeat_penalty: float = 1.1
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    repeat_last_n: int = 64
    dry_multiplier: float = 0.0
    dry_base: float = 1.75
    dry_allowed_length: int = 2
    dry_penalty_last_n: int = 1024
    dry_sequence_breakers: tuple[str, ...] = ("\n", ":", '"', "*")
    xtc_probability: float = 0.0
    xtc_threshold: float = 0.1
    dynatemp_range: float = 0.0
    dynatemp_exponent: float = 1.0
    mirostat: int = 0
    mirostat_tau: float = 5.0
    mirostat_eta: float = 0.1
    seed: int | None = None
    """None draws a seed; the same seed gives the same text."""
    logit_bias: Mapping[int, float] = field(default_factory=dict)
    top_logprobs: int | None = None
    """None gives no log-probabilities, 0..20 the chosen token's and that many alternatives."""


@dataclass(frozen=True, slots=True)
class Grammar:
    """What the text must follow: GBNF source, a JSON schema as text, or any JSON object."""

    kind: GrammarKind
    text: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """One generation. Exactly one of messages, text and tokens is given."""

    messages: Sequence[Message] = ()
    text: str = ""
    tokens: Sequence[int] = ()
    parse_special: bool = False
    """Text only: control tokens written in it are honoured (trusted callers)."""
    sampling: SamplingParams = SamplingParams()
    grammar: Grammar | None = None
    stop: Sequence[str] = ()
    max_tokens: int = 1024
    ignore_eos: bool = False
    truncation: Truncation = "drop_turns"
    shift: bool = True
    deadline_ms: int = 600_000
    queue_wait_ms: int = 0
    """Longest wait for a context; 0 is the engine's."""
    priority: Priority = "normal"
    tenant: str = ""
    """Tenants share the contexts fairly."""
    cache_scope: str = ""
    """Prefixes are shared between requests of one scope only."""
    adapters: Sequence[tuple[str, float]] = ()
    """LoRA adapters: names in the engine's `lora_dir`, and scales."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts; `cached_tokens` of the prompt were not evaluated again."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True)
class Timings:
    """llama.cpp's names. `*_n` count tokens, `*_ms` are milliseconds."""

    cache_n: int = 0
    prompt_n: int = 0
    prompt_ms: float = 0.0
    predicted_n: int = 0
    predicted_ms: float = 0.0
    queue_ms: float = 0.0
    ttft_ms: float = 0.0
    draft_n: int = 0
    draft_n_accepted: int = 0

    @property
    def prompt_per_second(self) -> float:
        return 1e3 * self.prompt_n / self.prompt_ms if self.prompt_ms > 0 else 0.0

    @property
    def predicted_per_second(self) -> float:
        """Rate over the steps between tokens: the first token belongs to the prompt."""
        steps = self.predicted_n - 1
        return 1e3 * steps / self.predicted_ms if steps > 0 and self.predicted_ms > 0 else 0.0


@dataclass(frozen=True, slots=True)
class ContextReport:
    """What did not fit: turns and tokens dropped from the prompt, tokens shifted out so far."""

    dropped_turns: int = 0
    dropped_tokens: int = 0
    shifted_tokens: int = 0

    @property
    def truncated(self) -> bool:
        return bool(self.dropped_tokens or self.shifted_tokens)


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """One token: raw bytes (may be part of a character) and its natural log-probability."""

    token: int
    piece: bytes
    logprob: float


@dataclass(frozen=True, slots=True)
class ChosenLogprob:
    """The sampled token and the most likely alternatives, best first."""

    chosen: TokenLogprob
    top: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class Final:
    """How a request ended. `finish_reason` "error" is raised as an exception instead."""

    finish_reason: FinishReason
    usage: Usage
    timings: Timings
    stop_string: str | None = None


@dataclass(frozen=True, slots=True)
class Delta:
    """One step's news of a stream: complete characters, and `final` on the last one."""

    text: str = ""
    tokens: tuple[int, ...] = ()
    logprobs: tuple[ChosenLogprob, ...] = ()
    context: ContextReport = ContextReport()
    final: Final | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """A finished generation."""

    text: str
    tokens: tuple[int, ...]
    finish_reason: FinishReason
    usage: Usage
    timings: Timings
    context: ContextReport = ContextReport()
    logprobs: tuple[ChosenLogprob, ...] = ()
    stop_string: str | None = None

    @classmethod
    def join(cls, deltas: Sequence[Delta]) -> Completion:
        """The deltas of a whole stream as one result; InternalError when its end is missing."""
        final = deltas[-1].final if deltas else None
        if final is None:
            raise InternalError("the stream ended without a final delta", where="engine")
        return cls(
            text="".join(delta.text for delta in deltas),
            tokens=tuple(token for delta in deltas for token in delta.tokens),
            finish_reason=final.finish_reason,
            usage=final.usage,
            timings=final.timings,
            context=deltas[-1].context,
            logprobs=tuple(entry for delta in deltas for entry in delta.logprobs),
            stop_string=final.stop_string,
        )


@dataclass(frozen=True, slots=True)
class Capacity:
    """Contexts (sequences) in use and free; `available == total - active` always."""

    active: int
    total: int
    available: int

    @property
    def has_capacity(self) -> bool:
        return self.available > 0


@dataclass(frozen=True, slots=True)
class Device:
    """What the build can compute on. `free` and `total` are bytes, 0 when it does not say."""

    name: str
    description: str
    kind: Literal["cpu", "gpu", "igpu", "accelerator", "meta"]
    free: int
    total: int

    @property
    def is_gpu(self) -> bool:
        """True for a GPU that says how much memory it has."""
        return self.kind in ("gpu", "igpu") and self.total > 0

    @property
    def used(self) -> int:
        return self.total - self.free


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """What to load and how; the fields of `cpp/include/sentiric/engine.h`."""

    model_path: str
    contexts: int = 4
    context_size: int = 4096
    batch_size: int = 2048
    ubatch_size: int = 512
    prefill_chunk: int = 0
    itl_slo_ms: int = -1
    stream_interval_ms: int = 0
    threads: int = 0
    threads_batch: int = 0
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
    tenant_weights: tuple[tuple[str, float], ...] = ()
    lora_dir: str = ""
    max_adapters: int = 8
    chat_template: str = ""
    embedding_pooling: str = "auto"


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """Facts about the loaded model and the buffers around it."""

    path: str
    name: str
    architecture: str
    quantization: str
    description: str
    chat_template_source: str
    chat_template: str
    size_bytes: int
    num_params: int
    num_vocab: int
    num_embd: int
    num_layers: int
    context_train: int
    context_size: int
    contexts: int
    batch_size: int
    ubatch_size: int
    threads: int
    can_shift: bool
    kv_layout: str
    flash_attention: str
    backend: str
    speculation: str
    """Who guesses ahead: "draft", "ngram" or "off"."""
    bos: int
    eos: int

    @property
    def meta(self) -> dict[str, int | str]:
        """Under llama-server's names, as `/v1/models` shows it."""
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
    """Monotonic counters and gauges since the engine opened."""

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
    draft_failures: int = 0
    queued: int = 0
    preparing: int = 0
    prefilling: int = 0
    decoding: int = 0
    waiting: int = 0
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
