# SPDX-License-Identifier: AGPL-3.0-only
"""Models and engines of the in-process benchmarks; `make bench-micro` runs them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks import machine, models
from benchmarks.shapes import ModelSpec
from sentiric_llama import Engine


def pytest_addoption(parser: pytest.Parser) -> None:
    text = "compute threads of the engines; default: physical cores"
    parser.addoption("--threads", type=int, default=machine.cores(), help=text)


@pytest.fixture(scope="session")
def threads(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--threads"))


@pytest.fixture(scope="session")
def sampling_bound(threads: int) -> Iterator[Engine]:
    """Choosing a token is most of each step."""
    path = models.model(ModelSpec("sampling"))
    with Engine(str(path), contexts=16, context_size=1024, compute_threads=threads) as engine:
        yield engine


@pytest.fixture(scope="session")
def middle(threads: int) -> Iterator[Engine]:
    """A fifth of Qwen2.5-0.5B's work."""
    path = models.model(ModelSpec("quick"))
    with Engine(str(path), contexts=4, context_size=4096, compute_threads=threads) as engine:
        yield engine
