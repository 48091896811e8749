# SPDX-License-Identifier: AGPL-3.0-only
"""The models that answer, by name. Each stands in a slot, where it can be exchanged."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from sentiric_llama.errors import ModelNotFound
from sentiric_llama.service.models.slot import LoadedModel, ModelSlot

DEFAULT = "default"
"""The slot of requests that name no model, and a name that every client may use for it."""


class ModelRegistry:
    """Slots by their names. A service has one today; names of models are looked up in all."""

    def __init__(self) -> None:
        self._slots: dict[str, ModelSlot] = {DEFAULT: ModelSlot()}

    def __iter__(self) -> Iterator[LoadedModel]:
        """The models that new calls may get."""
        return (slot.current for slot in self._slots.values() if slot.current is not None)

    @property
    def default(self) -> LoadedModel | None:
        """The model of requests that name none."""
        return self._slots[DEFAULT].current

    def names(self) -> list[str]:
        """What the models are called."""
        return [loaded.served.name for loaded in self]

    def put(self, loaded: LoadedModel, slot: str = DEFAULT) -> None:
        """From now on new calls of this slot get `loaded`; those that run keep theirs."""
        self._slots.setdefault(slot, ModelSlot()).put(loaded)

    def find(self, name: str) -> LoadedModel:
        """The model that answers to `name`. Raises ModelNotFound, which says what would."""
        default = self.default
        if default is not None and name in ("", DEFAULT):
            return default
        for loaded in self:
            if loaded.served.answers_to(name):
                return loaded
        known = [DEFAULT, *(n for m in self for n in (m.served.name, *m.served.aliases))]
        raise ModelNotFound(f"no such model; loaded are {', '.join(known)}", where="model")

    async def vacate(self, timeout_s: float) -> None:
        """Closes every model as soon as all calls ended, at the latest after `timeout_s`."""
        await asyncio.gather(*(slot.vacate(timeout_s) for slot in self._slots.values()))

    async def close(self) -> None:
        """Closes every model now. Idempotent."""
        await asyncio.gather(*(slot.close() for slot in self._slots.values()))
