# SPDX-License-Identifier: AGPL-3.0-only
"""Every setting, written once: name, type, range, default and help text.

Flags, variables, file keys, help texts and docs/settings.md are derived from this class; run
`make reference` after a change. `settings/` has the sources: `load_settings` puts them together.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
)

from sentiric_llama.access.api_key import parse_keys
from sentiric_llama.access.caller import CacheScope
from sentiric_llama.settings.describe import describe
from sentiric_llama.settings.names import PREFIX as PREFIX
from sentiric_llama.settings.table import FieldHelp as FieldHelp
from sentiric_llama.types import Truncation
from sentiric_llama.types.ranges import INT32_MAX, SAMPLING_RANGES

CacheType = Literal["f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl"]
LogLevel = Literal["debug", "info", "warning", "error"]

DEFAULT_RAG_PROMPT = (
    "Use the following information to answer the question. "
    "If the answer is not in it, say that you do not know.\n\n"
    "{{rag_context}}\n\nQuestion: {{user_prompt}}"
)


def _split(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


_ORIGIN = re.compile(r"\*|null|[a-z][a-z0-9+.-]*://[^\s/?#@,]+", re.IGNORECASE)
_HOST = re.compile(r"\*|(\*\.)?[a-z0-9_-][a-z0-9._-]*|\[?[0-9a-f:.]*:[0-9a-f:.]*\]?", re.IGNORECASE)

NameList = Annotated[tuple[str, ...], BeforeValidator(_split)]


def _named(*names: str, unprefixed: str = "") -> AliasChoices:
    prefixed = [PREFIX + name for name in names]
    return AliasChoices(*prefixed, *([unprefixed] if unprefixed else []))


def _sampling(name: str, default: float) -> Any:
    allowed = SAMPLING_RANGES[name]
    low: dict[str, Any] = {"gt" if allowed.low_open else "ge": allowed.low}
    return Field(default, le=allowed.high, description=f"{name} of requests that set none", **low)


SECTIONS = {
    "host": "where it listens",
    "api_key": "who may call",
    "grpc_tls_ca_path": "certificates",
    "model_id": "the model",
    "contexts": "the engine",
    "default_max_tokens": "what a request gets when it does not say",
    "metrics_port": "what it tells, and how it starts and stops",
}
"""The first setting of each section -> its title, in help texts and docs/settings.md."""


class Settings(BaseModel):
    """The service's settings; frozen. Built from what `load_settings` found."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        validate_by_name=True,
        validate_by_alias=False,
        hide_input_in_errors=True,
        protected_namespaces=(),
    )

    host: str = Field(
        "127.0.0.1",
        validation_alias=_named("HOST", "LISTEN_ADDRESS"),
        description="address to listen on; 0.0.0.0 is every interface",
    )
    http_port: int = Field(16070, ge=0, le=65535, description="HTTP port; 0 takes a free one")
    grpc_port: int = Field(16071, ge=0, le=65535, description="gRPC port; 0 takes a free one")
    grpc_max_streams: int = Field(
        128, ge=1, le=65536, description="calls at the same time on one gRPC connection"
    )
    max_connections: int = Field(
        1024, ge=1, le=65536, description="open HTTP connections, and as many gRPC calls"
    )
    max_body_bytes: int = Field(
        8 * 2**20, ge=1024, le=256 * 2**20, description="largest request body in bytes"
    )
    allowed_hosts: NameList = Field(
        (),
        description="host names that requests may use beside localhost and the bound address, "
        "separated by commas; *.example.com is every name below, * any",
    )
    cors_origins: NameList = Field(
        (), description="origins of web pages that may call the API, separated by commas"
    )
    drain_timeout_s: float = Field(
        30, ge=0, le=3600, description="seconds that running answers get to finish at shutdown"
    )

    api_key: SecretStr | None = Field(None, min_length=1, description="key that callers must send")
    api_keys: SecretStr | None = Field(
        None,
        description="more keys, one a line, NAME:ROLE:KEY; a role is user, metrics or admin, "
        "+realtime adds the right to that class, @TENANT binds it to a tenant",
    )
    admin_key: SecretStr | None = Field(
        None,
        min_length=1,
        description="key with the role admin, which may switch models; alone it locks nothing else",
    )
    require_tenant: bool = Field(False, description="refuse requests without x-tenant-id")
    strict_fields: bool = Field(False, description="refuse unknown request fields")
    env: str = Field(
        "development",
        validation_alias=_named("ENV", unprefixed="ENV"),
        description='"production" refuses a public address without an API key',
    )
    log_level: Annotated[LogLevel, BeforeValidator(_lower)] = Field(
        "info", description="least severe log line shown"
    )

    grpc_tls_ca_path: str = Field(
        "",
        validation_alias=_named("GRPC_TLS_CA_PATH", unprefixed="GRPC_TLS_CA_PATH"),
        description="PEM file of the CA whose clients may call over gRPC",
    )
    cert_path: str = Field("", description="PEM file of the server's certificate chain")
    key_path: str = Field("", description="PEM file of the certificate's private key")
    tls: Annotated[Literal["off", "auto", "cert", "mtls"], BeforeValidator(_lower)] = Field(
        "off",
        description=(
            "HTTPS, metrics too: with a self-signed certificate, CERT_PATH, or asking clients"
        ),
    )
    tls_allowed_names: NameList = Field(
        (), description="names in client certificates that may call, separated by commas; all"
    )
    tls_dir: str = Field(
        "~/.cache/sentiric-llama/tls", description="folder that keeps the self-signed certificate"
    )
    tls_reload_s: float = Field(
        5, gt=0, le=3600, description="seconds between looks at the certificate files"
    )
    grpc_insecure: bool = Field(
        False, description="allow gRPC without client certificates with ENV=production"
    )

    model_id: str = Field(
        "", description="Hugging Face repo (org/repo, org/repo:QUANT), a path, or guide"
    )
    model_filename: str = Field("", description="file inside the repo, or in MODEL_DIR alone")
    model_revision: str = Field(
        "main", min_length=1, description="branch, tag or commit of the repository"
    )
    model_sha256: NameList = Field(
        (), description="checksum of the model file, one for each part, separated by commas"
    )
    model_path: str = Field("", description="path of a GGUF file; wins over MODEL_ID")
    model_dir: str = Field("", description="folder searched for model files first")
    lora_dir: str = Field("", description="folder of LoRA adapters that requests may name")
    max_adapters: int = Field(8, ge=1, le=64, description="LoRA adapters kept in memory")
    model_alias: NameList = Field(
        (), description="names the model answers to, separated by commas; the first is shown"
    )

    profile: str = Field("", description="profile of profiles.json; empty is its active one")
    profiles_path: str = Field(
        "", description="path of profiles.json; empty looks in the working folder and MODEL_DIR"
    )

    contexts: int = Field(
        4,
        ge=1,
        le=256,
        validation_alias=_named("CONTEXTS", "THREADS", "MAX_BATCH_SIZE"),
        description="requests that run at the same time",
    )
    context_size: int = Field(
        4096, ge=0, le=2**20, description="tokens per context; 0 is what the model was trained with"
    )
    compute_threads: int = Field(
        0, ge=0, le=1024, description="CPU threads; 0 is one for each CPU the process may use"
    )
    compute_threads_batch: int = Field(
        0,
        ge=0,
        le=1024,
        validation_alias=_named("COMPUTE_THREADS_BATCH", "THREADS_BATCH"),
        description="CPU threads for prompts; 0 is COMPUTE_THREADS",
    )
    fit: Literal["refuse", "auto", "off"] = Field(
        "refuse",
        description="a configuration that cannot fit the memory is refused, made smaller, or tried",
    )
    gpu_layers: int = Field(-1, ge=-1, le=10_000, description="layers on the GPU; -1 is all")
    use_mmap: bool = Field(True, description="map the model file instead of reading it")
    kv_offload: bool = Field(True, description="keep the KV cache on the GPU")
    batch_size: int = Field(2048, ge=1, le=2**20, description="tokens handed to one decode call")
    physical_batch_size: int = Field(512, ge=1, le=2**20, description="tokens computed at once")
    prefill_chunk: int = Field(
        0, ge=0, le=2**20, description="prompt tokens per step while others decode; 0 is automatic"
    )
    flash_attention: Literal["auto", "on", "off"] = Field("auto", description="flash attention")
    kv_layout: Literal["auto", "unified", "split"] = Field(
        "auto", description="one KV buffer for all contexts, or one each"
    )
    cache_type_k: CacheType = Field("f16", description="number format of cached keys")
    cache_type_v: CacheType = Field("f16", description="number format of cached values")
    stream_interval_ms: int = Field(
        20,
        ge=0,
        le=1000,
        description="ms between two events of a stream, at least; its first and last never wait",
    )
    itl_slo_ms: int = Field(
        -1,
        ge=-1,
        le=600_000,
        description="longest step in ms while streams run; -1 is 200, on a GPU 50; 0 is off",
    )
    kv_cells: int = Field(
        0, ge=0, le=2**28, description="tokens in a unified KV cache; 0 is all contexts in full"
    )
    prefix_cache: bool = Field(True, description="compute a common prefix of prompts once")
    host_cache_bytes: int = Field(
        -1,
        ge=-1,
        le=2**40,
        description="memory for KV states that left the cache; -1 is automatic, 0 is none",
    )
    disk_cache_dir: str = Field(
        "", description="folder that keeps system prompts and documents computed over a restart"
    )
    disk_cache_bytes: int = Field(
        4 * 2**30, ge=0, le=2**50, description="size of the disk cache at most; 0 is none"
    )
    cache_scope: CacheScope = Field(
        "auto",
        description="who shares prefixes: the callers of one key as soon as there are several "
        "(auto), all callers, or each tenant that a key is bound to",
    )
    speculation: Literal["auto", "off", "ngram", "draft"] = Field(
        "auto",
        description="guess tokens from earlier text (ngram) or by DRAFT_MODEL (draft), also where "
        "that may change a text; auto: where it changes no bit, and on a GPU",
    )
    draft_model: str = Field(
        "",
        description="smaller model with the same vocabulary that guesses, as SPECULATION allows, "
        "named like MODEL_ID",
    )
    draft_gpu_layers: int = Field(
        -1, ge=-1, le=10_000, description="layers of the draft model on the GPU; -1 is all"
    )
    deterministic: bool = Field(
        False, description="share only what keeps every text independent of the load, bit by bit"
    )
    jump_forward: bool = Field(
        True, description="write text that a grammar forces without sampling it"
    )
    queue_tokens: int = Field(
        0, ge=0, le=2**40, description="prompt tokens that may wait; 0 is no limit"
    )
    queue_limit: int = Field(
        0, ge=0, le=100_000, description="waiting requests; 0 is 4 for each context"
    )
    queue_wait_ms: int = Field(
        30_000, ge=0, le=3_600_000, description="longest wait in the queue; 0 is no limit"
    )
    reader_wait_ms: int = Field(
        30_000,
        ge=0,
        le=86_400_000,
        description="longest wait for a reader that takes nothing; its answer ends then; 0 is no "
        "limit",
    )
    request_timeout_ms: int = Field(
        600_000, ge=0, le=86_400_000, description="longest time of one request; 0 is no limit"
    )

    default_max_tokens: int = Field(1024, ge=0, le=INT32_MAX, description="tokens of an answer")
    default_temperature: float = _sampling("temperature", 0.8)
    default_top_k: int = _sampling("top_k", 40)
    default_top_p: float = _sampling("top_p", 0.95)
    default_min_p: float = _sampling("min_p", 0.05)
    default_repeat_penalty: float = _sampling("repeat_penalty", 1.1)
    default_system_prompt: str = Field("", description="system prompt of chats that bring none")
    default_rag_prompt: str = Field(
        DEFAULT_RAG_PROMPT,
        description="template for rag_context; has {{rag_context}} and {{user_prompt}}",
    )
    truncation: Truncation = Field(
        "drop_turns", description="what happens to a conversation longer than the context"
    )

    metrics_port: int = Field(
        16072, ge=0, le=65535, description="port of Prometheus metrics; 0 takes a free one"
    )
    metrics_enabled: bool = Field(True, description="serve Prometheus metrics")
    metrics_key: SecretStr | None = Field(
        None, min_length=1, description="bearer token that a scrape must send"
    )
    log_content: bool = Field(
        False, description="write prompts and answers to the log; they hold what people said"
    )
    enable_warm_up: bool = Field(True, description="decode one token before saying ready")
    drain_settle_s: float = Field(
        2,
        ge=0,
        le=60,
        description="seconds after SIGTERM in which late requests are still accepted",
    )
    stall_timeout_s: float = Field(
        60,
        ge=0,
        le=3600,
        description="seconds of work without a step after which it is not ready; 0 is never",
    )

    @field_validator("cors_origins")
    @classmethod
    def _check_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _all_match(value, _ORIGIN, "a scheme and a host as in https://app.example, or *")

    @field_validator("allowed_hosts")
    @classmethod
    def _check_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _all_match(value, _HOST, "host names without a scheme or port, *.example.com or *")

    @field_validator("api_keys")
    @classmethod
    def _check_keys(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            parse_keys(value.get_secret_value())
        return value


def _all_match(values: tuple[str, ...], form: re.Pattern[str], allowed: str) -> tuple[str, ...]:
    for value in values:
        if not form.fullmatch(value):
            raise ValueError(f"got {value!r}, allowed are {allowed}")
    return values


def describe_fields() -> list[FieldHelp]:
    """All settings in the order they are written."""
    return describe(Settings, PREFIX, SECTIONS)
