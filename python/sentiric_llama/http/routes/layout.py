# SPDX-License-Identifier: AGPL-3.0-only
"""`/v1/ui/layout`: the widgets that a page shows in its settings panel, with the values in use."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from sentiric_llama.access.caller import CURRENT_CALLER
from sentiric_llama.http.errors import JsonResponse
from sentiric_llama.service.service import LlamaService

MOST_LAYERS = 100
LEAST_CONTEXT, MOST_CONTEXT = 1024, 32_768

PERSONAS = {
    "default": "🇹🇷 Varsayılan",
    "coder": "💻 Coder",
    "reasoning": "🧠 Reasoning (R1)",
    "creative": "🎨 Creative",
    "english": "🇬🇧 English",
}
"""Value -> label. A page chooses the system prompt that belongs to it."""
REASONING = {"none": "None", "low": "Low", "high": "High"}
"""Values of `reasoning_effort` -> label."""


class LayoutEndpoint:
    """Widgets for what the caller's key may change."""

    def __init__(self, service: LlamaService) -> None:
        self._service = service

    async def get(self, _request: Request) -> JsonResponse:
        """The panels. Only an admin gets the widgets of the hardware."""
        widgets = [
            _choice("chip-group", "persona-chips", "Persona", PERSONAS),
            _choice("segmented", "reasoning-level", "Reasoning", REASONING),
        ]
        if CURRENT_CALLER.get().is_admin:
            widgets += self._of_hardware()
        temperature = self._service.settings.default_temperature
        widgets.append(_slider("slider", "tempInput", "Temperature", temperature, (0, 2, 0.1)))
        return JsonResponse({"panels": {"settings": widgets}})

    def _of_hardware(self) -> list[dict[str, Any]]:
        """The settings that `/v1/hardware/config` changes."""
        settings, loaded = self._service.settings, self._service.attached
        context = loaded.engine.info.context_size if loaded else settings.context_size
        layers = MOST_LAYERS if settings.gpu_layers < 0 else min(settings.gpu_layers, MOST_LAYERS)
        sizes = (LEAST_CONTEXT, max(MOST_CONTEXT, context), 1024)
        return [
            _slider("hardware-slider", "gpuLayers", "GPU layers", layers, (0, MOST_LAYERS, 1)),
            _slider("hardware-slider", "ctxSize", "Context size", context, sizes),
        ]


def _choice(kind: str, name: str, label: str, options: dict[str, str]) -> dict[str, Any]:
    """The first option is the default."""
    listed = [{"value": value, "label": text} for value, text in options.items()]
    return {
        "type": kind,
        "id": name,
        "label": label,
        "value": next(iter(options)),
        "options": listed,
    }


def _slider(
    kind: str, name: str, label: str, value: float, limits: tuple[float, float, float]
) -> dict[str, Any]:
    low, high, step = limits
    return {"type": kind, "id": name, "label": label, "value": value, "min": low, "max": high,
            "step": step}  # fmt: skip
