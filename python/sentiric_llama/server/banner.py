# SPDX-License-Identifier: AGPL-3.0-only
"""The lines that tell a person that the service is ready, and how to call it."""

from __future__ import annotations

from sentiric_llama.host.printable import printable_line
from sentiric_llama.service.models.slot import ServedModel
from sentiric_llama.settings.config import PREFIX, Settings
from sentiric_llama.settings.exposure import is_public_address, key_ring
from sentiric_llama.types import ModelInfo


def banner(
    settings: Settings, model: ServedModel, info: ModelInfo, url: str, grpc_url: str = ""
) -> str:
    """The banner on a terminal."""
    rows = [
        ("Web UI", url),
        *([("gRPC", grpc_url)] if grpc_url else []),
        ("Model", f"{model.name} ({info.architecture}, {info.quantization}, {info.backend})"),
        ("Contexts", f"{info.contexts} x {info.context_size} tokens"),
        ("API key", _key_line(settings)),
        ("Try", curl_line(settings, url)),
    ]
    if model.notice:
        rows.append(("Note", "this is the small built-in guide; it only knows this service"))
        rows.append(("Next step", "sentiric-llama serve ggml-org/gemma-3-1b-it-GGUF"))
        rows.append(("", f"or a path to a .gguf file, or {PREFIX}MODEL_ID"))
    lines = (printable_line(f"  {name:<10} {text}".rstrip()) for name, text in rows)
    return "\n".join(["", *lines, ""])


def summary(settings: Settings, model: ServedModel, info: ModelInfo, url: str) -> str:
    """The banner as one log line."""
    parts = [
        f"ready at {url}",
        f"model {model.name}",
        f"{info.contexts} contexts of {info.context_size} tokens",
        f"API key: {_key_line(settings)}",
        f"try: {curl_line(settings, url)}",
    ]
    if model.notice:
        parts.append(f"built-in guide; for a real model set {PREFIX}MODEL_ID or name it to serve")
    return "; ".join(parts)


def curl_line(settings: Settings, url: str) -> str:
    """A command to copy and run. It never contains the key itself."""
    name = f"{PREFIX}API_KEY" if settings.api_key else "KEY"
    key = f' -H "Authorization: Bearer ${name}"' if key_ring(settings).locks("user") else ""
    insecure = "k" if settings.tls == "auto" else ""  # curl would refuse a self-signed certificate
    return (
        f"curl -N{insecure} {url}/v1/chat/completions -H 'Content-Type: application/json'{key} "
        '-d \'{"stream":true,"messages":[{"role":"user","content":"Who are you?"}]}\''
    )


def _key_line(settings: Settings) -> str:
    if key_ring(settings).locks("user"):
        return "yes, callers must send it"
    if is_public_address(settings.host):
        return "no, anyone who reaches this address may call"
    return "no, anyone on this machine may call"
