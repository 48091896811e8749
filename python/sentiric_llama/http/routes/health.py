# SPDX-License-Identifier: AGPL-3.0-only
"""Health probes, and the loaded models."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request

from sentiric_llama.errors import RETRY_AFTER_S
from sentiric_llama.host.product import SERVICE_NAME, version
from sentiric_llama.http.errors import JsonResponse
from sentiric_llama.service.models.slot import LoadedModel, ServedModel
from sentiric_llama.service.readiness import Readiness
from sentiric_llama.service.service import LlamaService
from sentiric_llama.types import ModelInfo

_STATUS = {
    Readiness.READY: "healthy",
    Readiness.LOADING: "loading",
    Readiness.FAILED: "unhealthy",
    Readiness.STALLED: "unhealthy",
    Readiness.RESTARTING: "unhealthy",
    Readiness.DRAINING: "draining",
}
_RETRY = {"retry-after": str(RETRY_AFTER_S)}


class HealthEndpoints:
    """Probes. They need no key and never wait."""

    def __init__(self, service: LlamaService) -> None:
        self._service = service

    async def health(self, _request: Request) -> JsonResponse:
        """State, capacity and version, in the service's own format."""
        service = self._service
        capacity = service.capacity
        body = {
            "status": _STATUS[service.state],
            "model_ready": service.is_ready,
            "current_profile": service.settings.profile or None,
            "capacity": {
                "active": capacity.active,
                "total": capacity.total,
                "available": capacity.available,
                "has_capacity": service.is_ready and capacity.has_capacity,
            },
            "timestamp": int(time.time()),
            "service": SERVICE_NAME,
            "version": version(),
            "engine": "llama.cpp",
        }
        if service.key_file is not None:
            body["keys"] = service.key_file.state.value
        return self._answer(body)

    async def v1_health(self, _request: Request) -> JsonResponse:
        """Readiness in llama-server's format."""
        if self._service.is_ready:
            return JsonResponse({"status": "ok"})
        message = {
            Readiness.LOADING: "Loading model",
            Readiness.FAILED: "Model failed to load",
            Readiness.STALLED: "Engine makes no progress",
            Readiness.RESTARTING: "Engine is restarting",
            Readiness.DRAINING: "Shutting down",
        }[self._service.state]
        error = {"code": 503, "message": message, "type": "unavailable_error"}
        return JsonResponse({"error": error}, 503, _RETRY)

    async def live(self, _request: Request) -> JsonResponse:
        """200 while the process responds."""
        return JsonResponse({"status": "alive"})

    async def ready(self, _request: Request) -> JsonResponse:
        """200 while new requests are accepted."""
        return self._answer({"status": self._service.state.value})

    def _answer(self, body: dict[str, Any]) -> JsonResponse:
        if self._service.is_ready:
            return JsonResponse(body)
        return JsonResponse(body, 503, _RETRY)


class ModelEndpoints:
    """`/v1/models`: the loaded models."""

    def __init__(self, service: LlamaService) -> None:
        self._service = service

    async def list(self, _request: Request) -> JsonResponse:
        """Those that the caller may use."""
        self._service.ready()
        usable = self._service.models.usable()
        data = [self._json(loaded) for loaded in usable]
        models = [_listed(loaded.served, loaded.engine.info) for loaded in usable]
        ids = [entry["id"] for entry in data]
        pages = {"has_more": False, "first_id": ids[0] if ids else None}
        pages["last_id"] = ids[-1] if ids else None
        return JsonResponse({"object": "list", "data": data, "models": models} | pages)

    async def get(self, request: Request) -> JsonResponse:
        """The one with this name or alias."""
        return JsonResponse(self._json(self._service.find_model(request.path_params["name"])))

    def _json(self, loaded: LoadedModel) -> dict[str, Any]:
        return model_json(loaded.served, loaded.engine.info, loaded.settings.profile)


def model_json(model: ServedModel, info: ModelInfo, profile: str = "") -> dict[str, Any]:
    """One entry of the list, for OpenAI's clients and for Anthropic's. It contains no paths."""
    created = datetime.fromtimestamp(model.created, UTC)
    entry: dict[str, Any] = {
        "id": model.name,
        "object": "model",
        "type": "model",
        "display_name": model.name,
        "created_at": created.isoformat().replace("+00:00", "Z"),
        "created": model.created,
        "owned_by": "system",
        "active": True,
        "profile": profile or None,
        "aliases": list(model.aliases),
        "meta": info.meta,
    }
    return entry | ({"notice": model.notice} if model.notice else {})


def _listed(model: ServedModel, info: ModelInfo) -> dict[str, Any]:
    """The same as Ollama's list has it, and llama-server's: some clients read `models`."""
    return {
        "name": model.name,
        "model": model.name,
        "modified_at": "",
        "size": info.size_bytes,
        "digest": "",
        "type": "model",
        "description": "",
        "tags": [],
        "capabilities": ["completion", "tools"],
        "parameters": "",
        "details": {
            "parent_model": "",
            "format": "gguf",
            "family": info.architecture,
            "families": [info.architecture],
            "parameter_size": f"{info.num_params / 1e9:.1f}B",
            "quantization_level": info.quantization,
        },
    }
