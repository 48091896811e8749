# SPDX-License-Identifier: AGPL-3.0-only
"""The answers about the service: health, models, profiles, hardware, model switches."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict

from sentiric_llama.access.key_watch import KeyFileState
from sentiric_llama.http.schemas.answer import Answer, ErrorDetails
from sentiric_llama.service.models.switch import Phase, Result
from sentiric_llama.service.readiness import Readiness


class CapacityAnswer(Answer):
    """Contexts of the model."""

    active: int
    total: int
    available: int
    has_capacity: bool


class Health(Answer):
    """State and capacity of the service."""

    status: Literal["healthy", "loading", "unhealthy", "draining"]
    model_ready: bool
    current_profile: str | None
    capacity: CapacityAnswer
    timestamp: int
    service: str
    version: str
    engine: str
    keys: KeyFileState | None = None
    """Of the file of keys; absent without one."""


class Alive(Answer):
    """The process responds."""

    status: Literal["alive"]


class Ready(Answer):
    """The state of the service."""

    status: Readiness


class Ok(Answer):
    """Ready, in llama-server's format."""

    status: Literal["ok"]


class NotOkDetails(Answer):
    """Why not; `code` is the HTTP status."""

    code: int
    message: str
    type: str


class NotOk(Answer):
    """Not ready, in llama-server's format."""

    error: NotOkDetails


class Model(Answer):
    """A loaded model, in OpenAI's words and in Anthropic's.

    `meta` has llama-server's names; `notice` comes with the built-in guide.
    """

    id: str
    object: Literal["model"]
    type: Literal["model"]
    display_name: str
    created_at: str
    created: int
    owned_by: str
    active: bool
    profile: str | None
    aliases: list[str]
    meta: dict[str, Any]
    notice: str | None = None


class ListedDetails(Answer):
    """What the weights are."""

    parent_model: str
    format: Literal["gguf"]
    family: str
    families: list[str]
    parameter_size: str
    quantization_level: str


class ListedModel(Answer):
    """A loaded model as Ollama's list has it. What is not known here is empty."""

    name: str
    model: str
    modified_at: str
    size: int
    digest: str
    type: Literal["model"]
    description: str
    tags: list[str]
    capabilities: list[str]
    parameters: str
    details: ListedDetails


class Models(Answer):
    """The loaded models, all on one page, in the words of OpenAI, Anthropic and Ollama."""

    object: Literal["list"]
    data: list[Model]
    models: list[ListedModel]
    has_more: Literal[False]
    first_id: str | None
    last_id: str | None


class ProfileList(Answer):
    """`profiles.json`: the whole file for admins, names and categories for others."""

    model_config = ConfigDict(extra="allow")

    active_profile: str
    profiles: dict[str, dict[str, Any]]


class Hardware(Answer):
    """The settings that the model runs with."""

    profile_name: str | None
    model_id: str
    gpu_layers: int
    context_size: int
    threads: int
    threads_batch: int
    physical_batch_size: int
    max_batch_size_slots: int
    kv_offload: bool
    use_mmap: bool
    enable_dynamic_batching: bool
    template_system_prompt: str | None


class Download(Answer):
    """Progress of the download of one file, in bytes; `total` is 0 while it is unknown."""

    event: Literal["start", "progress", "retry", "waiting", "checking", "done"]
    name: str
    done: int
    total: int
    note: str


class SwitchProgress(Answer):
    """How far a change of the model is."""

    profile: str
    phase: Phase
    elapsed_s: float
    download: Download | None
    result: Result | None
    message: str | None


class Switched(Answer):
    """The new model serves requests."""

    status: Literal["success"]
    active_profile: str
    elapsed_s: float


class Reloaded(Answer):
    """The model serves requests with the new settings."""

    status: Literal["success"]
    elapsed_s: float


class SwitchFailed(Answer):
    """The model could not be changed; `result` says which one serves requests now."""

    status: Literal["error"]
    message: str
    result: Result
    error: ErrorDetails


class CancelledCall(Answer):
    """What a call was doing when it was cancelled."""

    phase: Literal["waiting", "answering"]
    tokens: int


class CancelledRequest(Answer):
    """The calls of a request that have been cancelled, now or before."""

    id: str
    object: Literal["request.cancelled"]
    calls: list[CancelledCall]


class Widget(Answer):
    """A control of a settings panel: one with `options`, or a number within a range."""

    type: Literal["chip-group", "segmented", "slider", "hardware-slider"]
    id: str
    label: str
    value: str | float
    options: list[dict[str, str]] | None = None
    min: float | None = None
    max: float | None = None
    step: float | None = None


class Layout(Answer):
    """Panels by name."""

    panels: dict[str, list[Widget]]
