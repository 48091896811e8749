# SPDX-License-Identifier: AGPL-3.0-only
"""The loaded models by name. Each is in a slot, where another model can replace it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from sentiric_llama.access.caller import CURRENT_CALLER
from sentiric_llama.errors import ModelNotFound
from sentiric_llama.service.models.slot import LoadedModel, ModelSlot

DEFAULT = "default"
"""The slot of requests that name no model. Clients may also use it as a model's name."""


class ModelRegistry:
    """Slots by name. Looks models up in all of them, although a service has only one today."""

    def __init__(self) -> None:
        self._slots: dict[str, ModelSlot] = {DEFAULT: ModelSlot()}

    def __iter__(self) -> Iterator[LoadedModel]:
        """The models that new calls can use."""
        return (slot.current for slot in self._slots.values() if slot.current is not None)

    @property
    def default(self) -> LoadedModel | None:
        """The model of requests that name none."""
        return self._slots[DEFAULT].current

    def names(self) -> list[str]:
        """The names of the models."""
        return [loaded.served.name for loaded in self]

    def put(self, loaded: LoadedModel, slot: str = DEFAULT) -> None:
        """Gives `loaded` to new calls of this slot; running calls keep their model."""
        self._slots.setdefault(slot, ModelSlot()).put(loaded)

    def find(self, name: str) -> LoadedModel:
        """The model with this name or alias, else one that answers to all names.

        Whether the caller may use it is not asked here. Raises ModelNotFound.
        """
        default = self.default
        if default is not None and name in ("", DEFAULT):
            return default
        for loaded in self:
            if loaded.served.answers_to(name):
                return loaded
        for loaded in self:
            if loaded.served.answers_to_all:
                return loaded
        raise self.not_found()

    def usable(self) -> list[LoadedModel]:
        """The models that the key of the current caller may use."""
        caller = CURRENT_CALLER.get()
        return [loaded for loaded in self if caller.may_use(loaded.served.names)]

    def not_found(self) -> ModelNotFound:
        """The error for a name without a model. It lists the names that the caller may use."""
        usable = self.usable()
        known = [DEFAULT] if self.default in usable else []
        known += [name for loaded in usable for name in loaded.served.names]
        told = f"available: {', '.join(known)}" if known else "none is available to this key"
        return ModelNotFound(f"no such model; {told}", where="model")

    async def vacate(self, timeout_s: float) -> None:
        """Closes every model when all calls have ended, or after `timeout_s`."""
        await asyncio.gather(*(slot.vacate(timeout_s) for slot in self._slots.values()))

    async def close(self) -> None:
        """Closes every model now. Idempotent."""
        await asyncio.gather(*(slot.close() for slot in self._slots.values()))
