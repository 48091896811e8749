# SPDX-License-Identifier: AGPL-3.0-only
"""What an undisturbed engine process says, and what the series of deaths cost."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import models
from process_tools import Answer, opened, texts_of


@pytest.fixture(scope="session")
def adapters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("adapters")
    models.adapter("poems", "small-q8_0", folder / "poems.gguf")
    return folder


@pytest.fixture(scope="session")
def expected(small_q8_0: Path, adapters: Path) -> list[Answer]:
    """The fifteen texts of a quiet run."""

    async def quiet() -> list[Answer]:
        async with opened(small_q8_0, adapters=adapters, queue_limit=64) as engine:
            return await texts_of(engine)

    return asyncio.run(quiet())
