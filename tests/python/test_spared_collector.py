# SPDX-License-Identifier: AGPL-3.0-only
"""Full collections of a serving process leave alone what was there when it became ready."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.models import ModelFile
from sentiric_llama.server import loading
from sentiric_llama.server.places import Places
from sentiric_llama.service.models.slot import LoadedModel, ServedModel
from sentiric_llama.service.service import LlamaService
from sentiric_llama.settings.config import Settings


class Loader:
    """Finds and opens a model at once."""

    async def find(self, _settings: Settings) -> ModelFile:
        return ModelFile(Path("model.gguf"), "model")

    async def load(self, settings: Settings, _model: ModelFile, *_: Any) -> LoadedModel:
        return LoadedModel(FakeEngine(), ServedModel("fake"), settings)


def listen() -> asyncio.Future[Places]:
    """All servers listen at once."""
    listening: asyncio.Future[Places] = asyncio.get_running_loop().create_future()
    listening.set_result(Places("http://x", "grpc://x", "http://x, grpc://x"))
    return listening


@pytest.fixture(autouse=True)
def _thawed() -> Iterator[None]:
    gc.unfreeze()  # what earlier tests left
    yield
    gc.unfreeze()


def test_frozen_once_the_model_is_there() -> None:
    loader: Any = Loader()
    service = LlamaService(Settings())
    assert gc.get_freeze_count() == 0

    async def main() -> None:
        await loading.load(service, loader, listen())

    asyncio.run(main())
    assert service.is_ready and gc.get_freeze_count() > 10_000
    assert len(gc.get_objects()) < 10_000
