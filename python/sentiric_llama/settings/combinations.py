# SPDX-License-Identifier: AGPL-3.0-only
"""Settings whose values are valid alone but not together.

Only conflicts among the settings; the engine checks those with the model or the machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from sentiric_llama.settings.config import Settings
from sentiric_llama.settings.layers import Layer, name_in
from sentiric_llama.settings.sections.engine import PLAIN_CACHE_TYPES

PORTS = {"http_port": "HTTP", "grpc_port": "gRPC", "metrics_port": "metrics"}
"""Setting of a port -> what listens there."""


def conflicts(settings: Settings, given: Layer) -> Iterator[str]:
    """One line per conflict, with the names under which the settings were given."""
    yield from _of_ports(settings, given)
    yield from _of_batches(settings, given)
    yield from _of_caches(settings, given)
    yield from _of_speculation(settings, given)


def _of_ports(settings: Settings, given: Layer) -> Iterator[str]:
    names = [n for n in PORTS if n != "metrics_port" or settings.metrics_enabled]
    for one, other in combinations(names, 2):
        port = getattr(settings, one)
        if port and port == getattr(settings, other):
            keys = f"{name_in(given, one)} and {name_in(given, other)}"
            yield f"{PORTS[one]} and {PORTS[other]} cannot share port {port}: change {keys}"


def _of_batches(settings: Settings, given: Layer) -> Iterator[str]:
    size = settings.batch_size
    batch = f"{name_in(given, 'batch_size')}, which is {size}"
    if settings.prefill_chunk > size:
        got = f"{name_in(given, 'prefill_chunk')}: got {settings.prefill_chunk}"
        yield f"{got}, allowed at most {batch}"
    if settings.contexts > size:
        yield f"{name_in(given, 'contexts')}: got {settings.contexts}, allowed at most {batch}"


def _of_caches(settings: Settings, given: Layer) -> Iterator[str]:
    if settings.cache_type_v not in PLAIN_CACHE_TYPES and settings.flash_attention == "off":
        cache = f"{name_in(given, 'cache_type_v')} {settings.cache_type_v}"
        yield f"{cache} needs flash attention, but {name_in(given, 'flash_attention')} is off"
    if settings.kv_cells and settings.kv_layout == "split":
        cells = f"{name_in(given, 'kv_cells')}: got {settings.kv_cells}"
        yield f"{cells}, allowed 0 when {name_in(given, 'kv_layout')} is split"


def _of_speculation(settings: Settings, given: Layer) -> Iterator[str]:
    asked, draft = name_in(given, "speculation"), name_in(given, "draft_model")
    if settings.speculation == "draft" and not settings.draft_model:
        yield f"{asked} is draft, but {draft} names no model"
    if settings.speculation == "ngram" and settings.draft_model:
        yield f"{asked} is ngram, which does not use {draft}: leave one of them out"
