# SPDX-License-Identifier: AGPL-3.0-only
"""llama-server's flags: those that mean the same are taken, the others are answered with ours."""

from __future__ import annotations

ALIASES: dict[str, tuple[str, ...]] = {
    "http_port": ("--port",),
    "contexts": ("-np", "--parallel"),
    "compute_threads": ("-t",),
    "compute_threads_batch": ("-tb", "--threads-batch"),
    "gpu_layers": ("-ngl", "--n-gpu-layers"),
    "batch_size": ("-b",),
    "physical_batch_size": ("-ub", "--ubatch-size"),
    "flash_attention": ("-fa", "--flash-attn"),
    "cache_type_k": ("-ctk",),
    "cache_type_v": ("-ctv",),
    "model_alias": ("-a", "--alias"),
    "draft_model": ("-md", "--model-draft"),
    "draft_gpu_layers": ("-ngld", "--n-gpu-layers-draft", "--gpu-layers-draft"),
    "default_max_tokens": ("-n", "--predict", "--n-predict"),
    "default_temperature": ("--temp",),
    "default_top_k": ("--top-k",),
    "default_top_p": ("--top-p",),
    "default_min_p": ("--min-p",),
    "default_repeat_penalty": ("--repeat-penalty",),
}
"""Setting -> flags of llama-server with the same meaning; they are in no help."""
MODEL_ALIASES = ("-m", "--model", "-hf", "--hf-repo")

_PER_SLOT = "llama-server divides it among its slots; --context-size is for each of --contexts"
_THREADS = "use --compute-threads for CPU threads; --contexts is the number of concurrent requests"
_HOST_CACHE = "use --host-cache-bytes with a unit, as in 8GiB"
_TIMEOUT = "use --request-timeout-ms, as in 600s"
_TEMPLATE = "the model's own chat template is used"
_VERBOSE = "use --log-level debug"
_UNIFIED = "use --kv-layout unified"
_SEED = "requests bring their own seed"

ANSWERS: dict[str, str] = {
    **dict.fromkeys(("-c", "--ctx-size"), _PER_SLOT),
    "--threads": _THREADS,
    **dict.fromkeys(("-cram", "--cache-ram"), _HOST_CACHE),
    **dict.fromkeys(("-to", "--timeout"), _TIMEOUT),
    **dict.fromkeys(("--jinja", "--chat-template", "--chat-template-file"), _TEMPLATE),
    **dict.fromkeys(("-v", "--verbose", "-lv"), _VERBOSE),
    **dict.fromkeys(("-kvu", "--kv-unified"), _UNIFIED),
    **dict.fromkeys(("-s", "--seed"), _SEED),
    "--no-mmap": "use --no-use-mmap",
    "--mlock": "use --no-use-mmap, which reads the whole file into memory",
    "--lora": "use --lora-dir; requests select adapters of that directory by name",
    "--metrics": "metrics are on; --metrics-port says where",
    "--ssl-cert-file": "use --tls cert with --cert-path and --key-path",
    "--ssl-key-file": "use --tls cert with --cert-path and --key-path",
    "--path": "the built-in page cannot be replaced",
}
"""Flag of llama-server -> what to use here."""
