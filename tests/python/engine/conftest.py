# SPDX-License-Identifier: AGPL-3.0-only
"""Engines that many tests share; each test leaves them idle."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import engine_tools
from sentiric_llama.engine.blocking import Engine


@pytest.fixture(scope="session")
def shared_tiny(tiny_q8_0: Path) -> Iterator[Engine]:
    with Engine(str(tiny_q8_0), contexts=8, context_size=512, compute_threads=1) as engine:
        yield engine


@pytest.fixture
def tiny(shared_tiny: Engine) -> Iterator[Engine]:
    """Random weights behind the llama-spm vocabulary; 8 contexts of 512 tokens."""
    yield shared_tiny
    engine_tools.wait_until_idle(shared_tiny)


@pytest.fixture(scope="session")
def shared_guide(guide_path: Path) -> Iterator[Engine]:
    with Engine(str(guide_path), contexts=2, context_size=256, compute_threads=1) as engine:
        yield engine


@pytest.fixture
def guide(shared_guide: Engine) -> Iterator[Engine]:
    """The built-in model; 2 contexts of 256 tokens."""
    yield shared_guide
    engine_tools.wait_until_idle(shared_guide)
